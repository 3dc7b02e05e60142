/*
 * The loops of a block, over the vectors and the function `add_product` of the file that includes
 * this one. TOGETHER pixels of VECTORS vectors each run side by side: an addition takes long, but
 * the next one of another output can begin meanwhile.
 */

/* `pixels`, `kind` and the flags are constants where this is inlined. */
INLINE void run_pixels(
    const int pixels, const int kind, const int strict, const int each_lane,
    const float_operands *from, int64_t first, const bounds *to, float (*sums)[FLOAT_LANES])
{
    const int lanes = FLOAT_LANES / VECTORS;
    const int64_t width = each_lane ? FLOAT_LANES : 1;
    const int64_t steps = from->taps * from->channels;
    const float *x = from->values + first * width, *w = from->panel;
    VECTOR total[TOGETHER][VECTORS];
    for (int p = 0; p < pixels; p++)
        for (int v = 0; v < VECTORS; v++)
            total[p][v] = LOAD(sums[first + p] + v * lanes);
    for (int64_t s = 0; s < steps; s++, x += MOST_FLOAT_PIXELS * width, w += FLOAT_LANES) {
        for (int p = 0; p < pixels; p++)
            for (int v = 0; v < VECTORS; v++) {
                const VECTOR value = each_lane ? LOAD(x + p * FLOAT_LANES + v * lanes)
                                               : BROADCAST(x + p);
                total[p][v] = add_product(
                    kind, strict, value, LOAD(w + v * lanes), total[p][v], to);
            }
    }
    for (int p = 0; p < pixels; p++)
        for (int v = 0; v < VECTORS; v++)
            STORE(sums[first + p] + v * lanes, total[p][v]);
}

/*
 * Sums of neighbours that wait for their right half: of 2, 4, 8 products. All of a group's are
 * joined from the last to the first, which is what pairing level by level comes to.
 */
typedef struct {
    VECTOR of[TREE_LEVELS][TOGETHER][VECTORS];
} partial_sums;

/* Pair number `pair` of a group joins the sums that end where it begins. */
INLINE void add_pair(
    const int pixels, const int kind, const int strict, const float *x, const float *w,
    int64_t pair, const bounds *to, partial_sums *waiting)
{
    const int lanes = FLOAT_LANES / VECTORS;
    int level = 0;
    VECTOR sum[TOGETHER][VECTORS];
    for (int p = 0; p < pixels; p++)
        for (int v = 0; v < VECTORS; v++)
            sum[p][v] = add_products(
                kind, strict, BROADCAST(x + p), LOAD(w + v * lanes),
                BROADCAST(x + MOST_FLOAT_PIXELS + p), LOAD(w + FLOAT_LANES + v * lanes), to);
    for (; pair >> level & 1; level++)
        for (int p = 0; p < pixels; p++)
            for (int v = 0; v < VECTORS; v++)
                sum[p][v] = add(kind, strict, waiting->of[level][p][v], sum[p][v], to);
    for (int p = 0; p < pixels; p++)
        for (int v = 0; v < VECTORS; v++)
            waiting->of[level][p][v] = sum[p][v];
}

/* One group of `count` products goes through the tree and is added to `total`. */
INLINE void add_group(
    const int pixels, const int kind, const int strict, const float *x, const float *w,
    int64_t count, const bounds *to, partial_sums *waiting, VECTOR (*total)[VECTORS])
{
    const int lanes = FLOAT_LANES / VECTORS;
    const int64_t pairs = count / 2;
    for (int64_t i = 0; i < pairs; i++)
        add_pair(pixels, kind, strict, x + 2 * i * MOST_FLOAT_PIXELS, w + 2 * i * FLOAT_LANES, i,
                 to, waiting);
    x += (count - 1) * MOST_FLOAT_PIXELS;
    w += (count - 1) * FLOAT_LANES;
#pragma GCC unroll 1 /* once a group: copies for each pixel would only be long */
    for (int i = 0; i < pixels * VECTORS; i++) {
        const int p = i / VECTORS, v = i % VECTORS;
        VECTOR sum = total[p][v];
        int64_t rest = pairs;
        if (pairs) { /* the last of the waiting sums, with the odd product if there is one */
            sum = waiting->of[__builtin_ctzll((uint64_t)rest)][p][v];
            rest &= rest - 1;
        }
        if (count % 2)
            sum = add_product(kind, strict, BROADCAST(x + p), LOAD(w + v * lanes), sum, to);
        for (; rest; rest &= rest - 1)
            sum = add(
                kind, strict, waiting->of[__builtin_ctzll((uint64_t)rest)][p][v], sum, to);
        total[p][v] = pairs ? add(kind, strict, total[p][v], sum, to) : sum;
    }
}

INLINE void run_trees(
    const int pixels, const int kind, const int strict, int64_t tree, const float_operands *from,
    int64_t first, const bounds *to, float (*sums)[FLOAT_LANES])
{
    const int lanes = FLOAT_LANES / VECTORS;
    const float *x = from->values + first, *w = from->panel;
    partial_sums waiting;
    VECTOR total[TOGETHER][VECTORS];
    for (int p = 0; p < pixels; p++)
        for (int v = 0; v < VECTORS; v++)
            total[p][v] = LOAD(sums[first + p] + v * lanes);
    for (int64_t t = 0; t < from->taps; t++)
        for (int64_t left = from->channels; left > 0; left -= tree) {
            const int64_t count = left < tree ? left : tree;
            add_group(pixels, kind, strict, x, w, count, to, &waiting, total);
            x += count * MOST_FLOAT_PIXELS;
            w += count * FLOAT_LANES;
        }
    for (int p = 0; p < pixels; p++)
        for (int v = 0; v < VECTORS; v++)
            STORE(sums[first + p] + v * lanes, total[p][v]);
}

/*
 * TOGETHER pixels at a time; what lies beside the last one is there to be read. A single one is
 * cheaper alone where there are many, in sums without `strict`.
 */
INLINE void run_kind(
    const int kind, int strict, int64_t tree, const float_operands *from, const bounds *to,
    float (*sums)[FLOAT_LANES])
{
    int64_t p = 0;
    for (; p < from->pixels; p += TOGETHER)
        if (from->each_lane)
            run_pixels(TOGETHER, kind, 1, 1, from, p, to, sums);
        else if (tree > 1 && from->channels > 1 && strict)
            run_trees(TOGETHER, kind, 1, tree, from, p, to, sums);
        else if (tree > 1 && from->channels > 1)
            run_trees(TOGETHER, kind, 0, tree, from, p, to, sums);
        else if (strict)
            run_pixels(TOGETHER, kind, 1, 0, from, p, to, sums);
        else if (from->pixels - p > 1)
            run_pixels(TOGETHER, kind, 0, 0, from, p, to, sums);
        else
            run_pixels(1, kind, 0, 0, from, p, to, sums);
}

INLINE void run_steps(
    int kind, int strict, int64_t tree, const float_operands *from, const bounds *to,
    float (*sums)[FLOAT_LANES])
{
    switch (kind) {
        case FUSED_FP32: run_kind(FUSED_FP32, strict, tree, from, to, sums); break;
        case FUSED_FP16: run_kind(FUSED_FP16, strict, tree, from, to, sums); break;
        case ODD_FP16: run_kind(ODD_FP16, strict, tree, from, to, sums); break;
        case FUSED_BF16: run_kind(FUSED_BF16, strict, tree, from, to, sums); break;
        case ODD_BF16: run_kind(ODD_BF16, strict, tree, from, to, sums); break;
        case TWICE_FP32: run_kind(TWICE_FP32, strict, tree, from, to, sums); break;
        case TWICE_FP16: run_kind(TWICE_FP16, strict, tree, from, to, sums); break;
        case TWICE_BF16: run_kind(TWICE_BF16, strict, tree, from, to, sums); break;
    }
}

/* The additions of run_pixels without its loads. */
INLINE float run_registers(const int kind, int64_t rounds)
{
    const float one = 1.0f, tiny = 0x1p-9f;
    const VECTOR x = BROADCAST(&one), w = BROADCAST(&tiny);
    VECTOR total[MOST_FLOAT_PIXELS];
    float sums[FLOAT_LANES], result = 0;
    for (int p = 0; p < MOST_FLOAT_PIXELS; p++)
        total[p] = x;
    for (int64_t i = 0; i < rounds * VECTORS; i++)
        for (int p = 0; p < MOST_FLOAT_PIXELS; p++)
            total[p] = add_product(kind, 0, x, w, total[p], 0);
    for (int p = 0; p < MOST_FLOAT_PIXELS; p++) {
        STORE(sums, total[p]);
        result += sums[0];
    }
    return result;
}

INLINE float run_registers_of(int kind, int64_t rounds)
{
    switch (kind) {
        case FUSED_FP32: return run_registers(FUSED_FP32, rounds);
        case FUSED_FP16: return run_registers(FUSED_FP16, rounds);
        case ODD_FP16: return run_registers(ODD_FP16, rounds);
        case FUSED_BF16: return run_registers(FUSED_BF16, rounds);
        case ODD_BF16: return run_registers(ODD_BF16, rounds);
        default: return 0;
    }
}
