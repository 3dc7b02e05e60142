"""exp, log, exp(x) - 1, hyperbolic tangent and complementary error function of the C library.

float32, as glibc has them. exp and log are those of Arm's optimized routines (since 2.27): short
polynomials in float64 around 32 roots of two, and around 16 tabulated points. The other three are,
up to 2.40, those of Sun's freely distributable library (fdlibm: `s_expm1f.c`, `s_tanhf.c`,
`s_erff.c`): each step rounds to float32, and results can be one or two steps off. From 2.41 on
these three round correctly.
"""

from __future__ import annotations

import numpy as np

from npusim.numerics.eigen import polynomial

Array = np.ndarray

PARTS = 32
EXP = tuple(
    float.fromhex(coefficient) / PARTS**power
    for coefficient, power in (
        ("0x1.c6af84b912394p-5", 3), ("0x1.ebfce50fac4f3p-3", 2), ("0x1.62e42ff0c52d6p-1", 1),
    )
)  # fmt: skip
"""Coefficients of 2^(r / 32) - 1 for |r| up to 1/2, highest power first."""
EXP_ENDS = (-120.0, 100.0)
"""Beyond these the exponential is 0 or infinite in float32."""
PARTS_LOG2_E = float.fromhex("0x1.71547652b82fep+0") * PARTS

LOG_START = 0x3F330000
"""Bits of the lowest of the 16 intervals that the logarithm's table covers."""
LOG_POINTS = (
    ("0x1.661ec79f8f3bep+0", "-0x1.57bf7808caadep-2"),
    ("0x1.571ed4aaf883dp+0", "-0x1.2bef0a7c06ddbp-2"),
    ("0x1.49539f0f010bp+0", "-0x1.01eae7f513a67p-2"),
    ("0x1.3c995b0b80385p+0", "-0x1.b31d8a68224e9p-3"),
    ("0x1.30d190c8864a5p+0", "-0x1.6574f0ac07758p-3"),
    ("0x1.25e227b0b8eap+0", "-0x1.1aa2bc79c81p-3"),
    ("0x1.1bb4a4a1a343fp+0", "-0x1.a4e76ce8c0e5ep-4"),
    ("0x1.12358f08ae5bap+0", "-0x1.1973c5a611cccp-4"),
    ("0x1.0953f419900a7p+0", "-0x1.252f438e10c1ep-5"),
    ("0x1p+0", "0x0p+0"),
    ("0x1.e608cfd9a47acp-1", "0x1.aa5aa5df25984p-5"),
    ("0x1.ca4b31f026aap-1", "0x1.c5e53aa362eb4p-4"),
    ("0x1.b2036576afce6p-1", "0x1.526e57720db08p-3"),
    ("0x1.9c2d163a1aa2dp-1", "0x1.bc2860d22477p-3"),
    ("0x1.886e6037841edp-1", "0x1.1058bc8a07ee1p-2"),
    ("0x1.767dcf5534862p-1", "0x1.4043057b6ee09p-2"),
)
LOG_TABLE = np.array([[float.fromhex(value) for value in point] for point in LOG_POINTS])
"""1 / c and log c of a point c in each interval."""
LOG = (
    float.fromhex("-0x1.00ea348b88334p-2"), float.fromhex("0x1.5575b0be00b6ap-2"),
    float.fromhex("-0x1.ffffef20a4123p-2"),
)  # fmt: skip
LN2 = float.fromhex("0x1.62e42fefa39efp-1")

HALF, ONE, TWO = np.float32(0.5), np.float32(1.0), np.float32(2.0)
THREE, SIX = np.float32(3.0), np.float32(6.0)

LN2_HIGH, LN2_LOW = np.float32(6.9313812256e-01), np.float32(9.0580006145e-06)
LOG2_E = np.float32(1.4426950216)
HALF_LN2, NEAR_LN2 = np.float32(0.34657359), np.float32(1.0397207)
"""ln 2 / 2 and 3 ln 2 / 2: up to the first nothing is taken off, up to the second one ln 2."""
EXPM1_END = np.float32(-18.714973)
EXPM1_TINY = np.float32(2.0**-25)
EXPM1 = (-2.0109921195e-07, 4.0082177293e-06, -7.9365076090e-05, 1.5873016091e-03,
         -3.3333335072e-02, 1.0)  # fmt: skip
LARGE_POWER = 23
"""From this power of two on the 1 that is taken away no longer fits the fraction."""

TANH_END = np.float32(22.0)

ERF_ONE = np.float32(8.4506291151e-01)
"""erf(1), rounded to few bits."""
ERFC_NEAR = (
    (-2.3763017452e-05, -5.7702702470e-03, -2.8481749818e-02, -3.2504209876e-01, 1.2837916613e-01),
    (-3.9602282413e-06, 1.3249473704e-04, 5.0813062117e-03, 6.5022252500e-02, 3.9791721106e-01,
     1.0),
)  # fmt: skip
ERFC_AT_ONE = (
    (-2.1663755178e-03, 3.5478305072e-02, -1.1089469492e-01, 3.1834661961e-01, -3.7220788002e-01,
     4.1485610604e-01, -2.3621185683e-03),
    (1.1984500103e-02, 1.3637083583e-02, 1.2617121637e-01, 7.1828655899e-02, 5.4039794207e-01,
     1.0642088205e-01, 1.0),
)  # fmt: skip
ERFC_FAR = (
    (-9.8143291473, -8.1287437439e+01, -1.8460508728e+02, -1.6239666748e+02, -6.2375331879e+01,
     -1.0558626175e+01, -6.9385856390e-01, -9.8649440333e-03),
    (-6.0424413532e-02, 6.5702495575, 1.0863500214e+02, 4.2900814819e+02, 6.4538726807e+02,
     4.3456588745e+02, 1.3765776062e+02, 1.9651271820e+01, 1.0),
)  # fmt: skip
ERFC_FARTHEST = (
    (-4.8351919556e+02, -1.0250950928e+03, -6.3756646729e+02, -1.6063638306e+02, -1.7757955551e+01,
     -7.9928326607e-01, -9.8649431020e-03),
    (-2.2440952301e+01, 4.7452853394e+02, 2.5530502930e+03, 3.1998581543e+03, 1.5367296143e+03,
     3.2579251099e+02, 3.0338060379e+01, 1.0),
)  # fmt: skip
"""Numerator and denominator, highest power first, for the four ranges of |x| below."""
NEAR, AT_ONE, FAR, END = 0.84375, 1.25, np.float32(1 / 0.35), 28.0
HIGH_BITS = np.uint32(0xFFFFE000)


def exp(x: Array) -> Array:
    """Exponential of an array float32."""
    scaled = np.clip(x.astype(np.float64), *EXP_ENDS) * PARTS_LOG2_E
    steps = np.rint(scaled)
    rest = scaled - steps
    square = rest * rest
    series = (EXP[0] * rest + EXP[1]) * square + (EXP[2] * rest + 1.0)
    return np.asarray(series * np.exp2(steps / PARTS)).astype(np.float32)


def log(x: Array) -> Array:
    """Natural logarithm of an array float32; NaN below zero, minus infinity at zero."""
    normal = np.where(x < np.finfo(np.float32).tiny, x * np.float32(2.0**23), x)
    shifts = np.where(x < np.finfo(np.float32).tiny, 23, 0)
    offset = normal.astype(np.float32).view(np.int32) - np.int32(LOG_START)
    power = (offset >> 23) - shifts
    reduced = (normal.astype(np.float32).view(np.int32) - (offset & ~0x7FFFFF)).view(np.float32)
    inverse, start = (LOG_TABLE[(offset >> 19) % 16, column] for column in (0, 1))
    rest = reduced.astype(np.float64) * inverse - 1.0
    square = rest * rest
    series = LOG[0] * square + (LOG[1] * rest + LOG[2])
    value = (series * square + ((start + power * LN2) + rest)).astype(np.float32)
    value = np.where(x == np.inf, x, np.where(x == 0, np.float32(-np.inf), value))
    return np.where((x < 0) | np.isnan(x), np.float32(np.nan), value)


def expm1(x: Array) -> Array:
    """exp(x) - 1 of an array float32 below float32's overflow."""
    size = np.abs(x)
    far = np.trunc(LOG2_E * x + np.copysign(HALF, x))
    power = np.where(size < NEAR_LN2, np.where(size > HALF_LN2, np.sign(x), 0), far)
    high = x - power.astype(np.float32) * LN2_HIGH
    low = power.astype(np.float32) * LN2_LOW
    rest = high - low
    lost = (high - rest) - low
    value = _expm1_of_rest(rest, lost, power.astype(np.int32))
    return np.where(x < EXPM1_END, -ONE, np.where(size < EXPM1_TINY, x, value))


def _expm1_of_rest(x: Array, lost: Array, power: Array) -> Array:
    """2^power * exp(x + lost) - 1 for |x| up to ln 2 / 2."""
    half = HALF * x
    square = x * half
    series = polynomial(EXPM1, square)
    t = THREE - series * half
    error = square * ((series - t) / (SIX - x * t))
    near = x - (x * error - square)
    error = (x * (error - lost) - lost) - square
    minus = np.ldexp(ONE, -power)
    cases = (
        (power == 0, near),
        (power == -1, HALF * (x - error) - HALF),
        (power == 1, np.where(x < -0.25, -TWO * (error - (x + HALF)), ONE + TWO * (x - error))),
        (power < 0, np.ldexp(ONE - (error - x), power) - ONE),
        (power < LARGE_POWER, np.ldexp((ONE - minus) - (error - x), power)),
    )
    large = np.ldexp((x - (error + minus)) + ONE, power)
    return np.select([case for case, _ in cases], [value for _, value in cases], large)


def tanh(x: Array) -> Array:
    """Hyperbolic tangent of an array float32."""
    size = np.minimum(np.abs(x), TANH_END)
    large = size >= ONE
    t = expm1(np.where(large, TWO * size, -TWO * size))
    value = np.where(large, ONE - TWO / (t + TWO), -t / (t + TWO))
    return np.asarray(np.copysign(np.where(size == TANH_END, ONE, value), x))


def erfc(x: Array) -> Array:
    """1 - erf(x) of an array float32."""
    size = np.abs(x)
    ratio = _ratio(ERFC_NEAR, x * x)
    near = np.where(x < 0.25, ONE - (x + x * ratio), HALF - (x * ratio + (x - HALF)))
    at_one = _ratio(ERFC_AT_ONE, size - ONE)
    middle = np.where(x >= 0, (ONE - ERF_ONE) - at_one, ONE + (ERF_ONE + at_one))
    tail = _tail(np.clip(size, np.float32(AT_ONE), np.float32(END)))
    far = np.where(x > 0, tail, np.where(x < -SIX, TWO, TWO - tail))
    far = np.where(size >= END, np.where(x > 0, 0, TWO), far)
    return np.where(size < NEAR, near, np.where(size < AT_ONE, middle, far)).astype(np.float32)


def _tail(x: Array) -> Array:
    """exp(-x^2) times a ratio in 1 / x^2, x^2 split in two parts that lose nothing."""
    inverse = ONE / (x * x)
    ratio = np.where(x < FAR, _ratio(ERFC_FAR, inverse), _ratio(ERFC_FARTHEST, inverse))
    head = (x.view(np.uint32) & HIGH_BITS).view(np.float32)
    first = exp(-head * head - np.float32(0.5625))
    return np.asarray(first * exp((head - x) * (head + x) + ratio) / x)


def _ratio(pair: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    return np.asarray(polynomial(pair[0], x) / polynomial(pair[1], x))
