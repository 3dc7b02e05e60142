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

/* Pixels whose sums are handed on together; packed weights that stay in a second-level cache. */
enum { STRIP_PIXELS = 4 * MOST_PIXELS, CACHED_BYTES = 256 * 1024 };

void convolution_sizes(convolution *call)
{
    const int64_t in_run = call->dilation_x == 1 ? call->taps_x : 1;
    call->runs = call->taps_y * (call->taps_x / in_run);
    call->run_units = (in_run * call->channels + call->unit_values - 1) / call->unit_values;
    call->cols =
        (call->out_cols - 1) * call->stride_x + (call->taps_x - 1) * call->dilation_x + 1;
    call->pixel_bytes = call->channels * UNIT_BYTES / call->unit_values;
    call->row_bytes = call->cols * call->pixel_bytes;
    call->panels = (call->filters + PANEL_CHANNELS - 1) / PANEL_CHANNELS;
    call->panel_bytes = call->runs * call->run_units * PANEL_BYTES;
    call->first_panel = 0;
    call->end_panel = call->panels;
}

/* Where each run begins, relative to a pixel's first tap. */
static void find_runs(const convolution *call, const band *from, int64_t *offset)
{
    const int64_t per_row = call->runs / call->taps_y;
    for (int64_t i = 0; i < call->runs; i++)
        offset[i] = i / per_row * from->tap_step * call->row_bytes +
            i % per_row * call->dilation_x * call->pixel_bytes;
}

/* Where each pixel of a band begins. */
static void find_pixels(const convolution *call, const band *from, int64_t *place)
{
    for (int64_t r = 0; r < from->rows; r++)
        for (int64_t i = 0; i < call->out_cols; i++)
            *place++ = r * from->row_step * call->row_bytes +
                i * call->stride_x * call->pixel_bytes;
}

/* What all panels of a call share. */
typedef struct {
    const convolution *call;
    const instructions *with;
    const band *from;
    const int64_t *offset, *place;
    sink *take;
    void *to;
} pass;

/* One panel for `count` pixels of the band; pixel `first` of it is `before + first` of the tile. */
static void run_strip(
    const pass *run, int64_t g, int64_t panel, const uint8_t *weights, int64_t first,
    int64_t count, int64_t before)
{
    const convolution *call = run->call;
    const int64_t rest = call->filters - panel * PANEL_CHANNELS;
    int32_t sums[STRIP_PIXELS][PANEL_CHANNELS];
    for (int64_t p = 0; p < count; p += run->with->most_pixels) {
        const int64_t left = count - p;
        const int64_t block = left < run->with->most_pixels ? left : run->with->most_pixels;
        const uint8_t *sources[MOST_PIXELS];
        for (int64_t i = 0; i < block; i++)
            sources[i] = run->from->lines + run->place[first + p + i];
        run->with->multiply(
            sources, block, run->offset, call->runs, call->run_units, weights, sums + p);
    }
    run->take(run->to, g, panel, rest < PANEL_CHANNELS ? rest : PANEL_CHANNELS, before + first,
              count, sums);
}

/*
 * All panels for all pixels of a band. Weights that stay in cache are run over for each strip, so
 * that inputs and outputs of a strip stay near; others are read once a band.
 */
static void run_band(
    const pass *run, int64_t g, const uint8_t *packed, int64_t pixels, int64_t before)
{
    const convolution *call = run->call;
    const int64_t panels = call->end_panel - call->first_panel;
    const int64_t together = panels * call->panel_bytes <= CACHED_BYTES ? panels : 1;
    for (int64_t begin = call->first_panel; begin < call->end_panel; begin += together) {
        for (int64_t first = 0; first < pixels; first += STRIP_PIXELS) {
            const int64_t left = pixels - first;
            const int64_t count = left < STRIP_PIXELS ? left : STRIP_PIXELS;
            for (int64_t i = begin; i < begin + together; i++)
                run_strip(run, g, i, packed + i * call->panel_bytes, first, count, before);
        }
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
            run_band(run, g, packed, count * call->out_cols, (b * rows + r) * call->out_cols);
        }
    }
}

/* Memory for rows * size bytes; none for what no machine has. */
static void *allocate(int64_t rows, int64_t size)
{
    const double bytes = (double)rows * (double)size;
    return bytes > (double)(INT64_C(1) << 40) ? NULL : malloc((size_t)(rows * size) + UNIT_BYTES);
}

int convolve(const convolution *call, const uint8_t *packed, sink *take, void *to)
{
    band from;
    band_sizes(call, &from);
    const int64_t pixels = from.rows * call->out_cols;
    from.lines = allocate(from.shared ? band_lines(call, &from) : from.rows * call->taps_y,
                          call->row_bytes);
    int64_t *offset = allocate(call->runs, sizeof *offset);
    int64_t *place = allocate(pixels, sizeof *place);
    const int failed = !from.lines || !offset || !place;
    if (!failed) {
        const pass run = {
            .call = call, .with = choose_instructions(call->unit_values), .from = &from,
            .offset = offset, .place = place, .take = take, .to = to,
        };
        find_runs(call, &from, offset);
        find_pixels(call, &from, place);
        for (int64_t g = 0; g < call->groups; g++)
            run_group(&run, g, packed + g * call->panels * call->panel_bytes);
    }
    free(from.lines);
    free(offset);
    free(place);
    return failed ? NPUSIM_NO_MEMORY : 0;
}
