"""The network in PyTorch: folding changes nothing in float, quantized is what is exported."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra qat)")

from npusim.errors import UsageError  # noqa: E402
from npusim.quantize.training.model import ConvProduct, Model, Precision  # noqa: E402
from npusim.quantize.training.networks import DIGITS, MNIST, Conv  # noqa: E402


def images(count: int = 32, size: int = 8) -> torch.Tensor:
    random = torch.Generator().manual_seed(3)
    return torch.randint(0, 17, (count, 1, size, size), generator=random) / 16


def model(precision: Precision | None = None) -> Model:
    """With statistics that are not the initial ones."""
    torch.manual_seed(5)
    made = Model(DIGITS, 1 / 240, precision or Precision())
    for _ in range(5):
        made(images())
    return made.eval()


def test_the_digits_network_has_the_weights_and_biases_of_the_bundled_one() -> None:
    made = model()
    assert sum(each.numel() for p in made.products() for each in p.folded()) == 46_186


@pytest.mark.parametrize("network", (DIGITS, MNIST), ids=lambda network: network.name)
def test_skips_add_tensors_of_one_shape(network: object) -> None:
    made = Model(network, 1 / 255, Precision())
    assert made(torch.zeros(2, *network.image)).shape == (2, 10)


def test_folding_computes_what_batch_normalization_does() -> None:
    torch.manual_seed(1)
    product = ConvProduct(Conv("one", 3, 4, stride=2), Precision())
    product.mean.normal_()
    product.variance.uniform_(0.5, 2)
    product.gain.data.uniform_(-2, 2)
    product.shift.data.normal_()
    x = torch.randn(2, 3, 8, 8)
    weight, bias = product.folded()
    folded = torch.nn.functional.conv2d(x, weight, bias, 2, 1)
    torch.testing.assert_close(folded, product.eval()(x, None), rtol=1e-4, atol=1e-5)


def test_eight_bits_are_close_to_float() -> None:
    made = model()
    before = made(images())
    made.quantize(images())
    error = (made(images()) - before).square().mean() / before.square().mean()
    assert 0 < error < 1e-2


def test_biases_are_whole_numbers_of_the_products_scale() -> None:
    made = model(Precision(4, 8))
    made.quantize(images())
    step = made.image.safe_step()
    weight, bias = made.convs[0].quantized(step)
    products = step * made.convs[0].quantizer.safe_step().reshape(-1)
    assert torch.equal(torch.round(bias / products) * products, bias)
    assert weight.unique().numel() > 3


def test_running_statistics_follow_only_while_they_should() -> None:
    made = model()
    made.quantize(images())
    made.train()
    for follows in (False, True):
        before = made.convs[0].mean.clone()
        made.follow_statistics(follows)
        made(images() + 0.5)
        assert torch.equal(made.convs[0].mean, before) != follows


def test_pixels_keep_their_step_and_all_other_steps_are_trained() -> None:
    made = model(Precision(4, 4))
    made.quantize(images())
    made.train()
    made(images()).square().sum().backward()
    assert made.image.step.grad is None
    assert all(each.step.grad is not None for each in made.quantizers())
    assert len(made.quantizers()) == 8 + 7 + 2 + 2  # products, outputs, sums, pooled and scores


@pytest.mark.parametrize(
    ("given", "name"),
    (({"weight_bits": 5}, "weight_bits"), ({"activation_bits": 3}, "activation_bits"),
     ({"start": "guess"}, "start")),
)  # fmt: skip
def test_a_precision_that_is_not_there_is_named(given: dict[str, object], name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}: .* is none of"):
        Precision(**given)
