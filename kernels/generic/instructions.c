/* Which instruction set the convolutions run on: chosen by what the processor has. */
#include "blocks.h"
#include "floats.h"
#include "npusim_kernels.h"

static const instructions generic_pairs = {
    "generic", PAIR, 6, mac_block_generic, tap_block_generic, interleave_pairs_generic,
    drain_block_generic};

static int limit = NPUSIM_AVX512;

#if defined(__x86_64__) && defined(__GNUC__)
static const instructions avx2_pairs = {
    "avx2", PAIR, 6, mac_block_avx2, tap_block_avx2, interleave_pairs_avx2, drain_block_avx2};
static const instructions avx512_quads = {
    "avx512-vnni", QUAD, 12, mac_block_avx512, tap_block_avx512, interleave_quads_avx512,
    drain_block_avx512};

static int has_avx2(void) { return limit >= NPUSIM_AVX2 && __builtin_cpu_supports("avx2"); }

static int has_avx512(void)
{
    return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl");
}

const instructions *choose_instructions(int64_t unit_values)
{
    if (unit_values == QUAD)
        return has_avx512() ? &avx512_quads : 0;
    return has_avx2() ? &avx2_pairs : &generic_pairs;
}
#else
const instructions *choose_instructions(int64_t unit_values)
{
    return unit_values == QUAD ? 0 : &generic_pairs;
}
#endif

void npusim_limit_instructions(int most) { limit = most; }

int instruction_limit(void) { return limit; }

int64_t npusim_unit_values(int symmetric)
{
    return symmetric && limit >= NPUSIM_AVX512 && choose_instructions(QUAD) ? QUAD : PAIR;
}

const char *npusim_instruction_set(void)
{
    return choose_instructions(npusim_unit_values(1))->name;
}
