/*
 * Convolution and matrix product: implicit, no copy of the image per tap.
 *
 * The output rows of the tile are taken in bands; the input rows that a band needs are brought into
 * units once (see bands.c), then each panel of 16 channels runs over the band's pixels. What
 * becomes of the sums is the caller's: added to accumulators, or drained to 8-bit outputs while
 * they are in the nearest cache.
 */
#include <stdlib.h>

#include "convolve.h"
#include "npusim_kernels.h"

/* Pixels whose sums are handed on together. */
enum { STRIP_PIXELS = 4 * MOST_PIXELS };

void convolution_sizes(convolution *call)
{
    const int64_t taps = call->taps_y * call->taps_x;
    call->pixel_units = (call->channels + call->unit_values - 1) / call->unit_values;
    call->cols =
        (call->out_cols - 1) * call->stride_x + (call->taps_x - 1) * call->dilation_x + 1;
    call->row_bytes = call->cols * call->pixel_units * UNIT_BYTES;
    call->panels = (call->filters + PANEL_CHANNELS - 1) / PANEL_CHANNELS;
    call->panel_bytes = taps * call->pixel_units * PANEL_BYTES;
}

/* Where each run of consecutive units begins, relative to a pixel's first tap. */
static int64_t find_runs(const convolution *call, const band *from, int64_t *offset)
{
    const int64_t per_row = call->dilation_x == 1 ? 1 : call->taps_x;
    for (int64_t fy = 0; fy < call->taps_y; fy++)
        for (int64_t fx = 0; fx < per_row; fx++)
            offset[fy * per_row + fx] = fy * from->tap_step * call->row_bytes +
                fx * call->dilation_x * call->pixel_units * UNIT_BYTES;
    return call->taps_y * per_row;
}

/* Where each pixel of a band begins. */
static void find_pixels(const convolution *call, const band *from, int64_t *place)
{
    const int64_t step = call->stride_x * call->pixel_units * UNIT_BYTES;
    for (int64_t r = 0; r < from->rows; r++)
        for (int64_t i = 0; i < call->out_cols; i++)
            *place++ = r * from->row_step * call->row_bytes + i * step;
}

/* What all panels of a call share. */
typedef struct {
    const convolution *call;
    const instructions *with;
    const band *from;
    const int64_t *offset, *place;
    int64_t runs, units;
    sink *take;
    void *to;
} pass;

/* One panel over `pixels` pixels of the band, the first of which is `before` of the tile. */
static void run_panel(
    const pass *run, int64_t g, int64_t panel, const uint8_t *weights, int64_t pixels,
    int64_t before)
{
    const int64_t rest = run->call->filters - panel * PANEL_CHANNELS;
    const int64_t used = rest < PANEL_CHANNELS ? rest : PANEL_CHANNELS;
    for (int64_t first = 0; first < pixels; first += STRIP_PIXELS) {
        const int64_t left = pixels - first;
        const int64_t count = left < STRIP_PIXELS ? left : STRIP_PIXELS;
        int32_t sums[STRIP_PIXELS][PANEL_CHANNELS];
        for (int64_t p = 0; p < count; p += run->with->most_pixels) {
            const int64_t more = count - p;
            const int64_t block = more < run->with->most_pixels ? more : run->with->most_pixels;
            const uint8_t *sources[MOST_PIXELS];
            for (int64_t i = 0; i < block; i++)
                sources[i] = run->from->lines + run->place[first + p + i];
            run->with->multiply(
                sources, block, run->offset, run->runs, run->units, weights, sums + p);
        }
        run->take(run->to, g, panel, used, before + first, count, sums);
    }
}

/* Bands of one group; those whose rows share lines end where an image ends. */
static void run_group(const pass *run, int64_t g, const uint8_t *packed)
{
    const convolution *call = run->call;
    const int64_t images = run->from->shared ? call->images : 1;
    const int64_t rows = call->out_rows * call->images / images;
    for (int64_t b = 0; b < images; b++) {
        for (int64_t r = 0; r < rows; r += run->from->rows) {
            const int64_t left = rows - r;
            const int64_t count = left < run->from->rows ? left : run->from->rows;
            fill_band(call, run->from, b, g, r, count);
            for (int64_t i = 0; i < call->panels; i++)
                run_panel(run, g, i, packed + i * call->panel_bytes, count * call->out_cols,
                          (b * rows + r) * call->out_cols);
        }
    }
}

/* Memory for rows * size bytes; none for what no machine has. */
static void *allocate(int64_t rows, int64_t size)
{
    const double bytes = (double)rows * (double)size;
    return bytes > (double)(INT64_C(1) << 40) ? NULL : malloc((size_t)(rows * size) + 1);
}

int convolve(const convolution *call, const uint8_t *packed, sink *take, void *to)
{
    band from;
    band_sizes(call, &from);
    const int64_t pixels = from.rows * call->out_cols;
    from.lines = allocate(from.shared ? band_lines(call, &from) : from.rows * call->taps_y,
                          call->row_bytes);
    int64_t *offset = allocate(call->taps_y * call->taps_x, sizeof *offset);
    int64_t *place = allocate(pixels, sizeof *place);
    const int failed = !from.lines || !offset || !place;
    if (!failed) {
        const int64_t runs = find_runs(call, &from, offset);
        const pass run = {
            .call = call, .with = choose_instructions(call->unit_values), .from = &from,
            .offset = offset, .place = place, .runs = runs,
            .units = call->taps_y * call->taps_x * call->pixel_units / runs,
            .take = take, .to = to,
        };
        find_pixels(call, &from, place);
        for (int64_t g = 0; g < call->groups; g++)
            run_group(&run, g, packed + g * call->panels * call->panel_bytes);
    }
    free(from.lines);
    free(offset);
    free(place);
    return failed ? NPUSIM_NO_MEMORY : 0;
}
