/*
 * A convolution over a tile: the call's arguments, the sizes that follow from them, and the steps
 * that its entry points share.
 */
#pragma once
#include <stdint.h>

#include "blocks.h"

/* x and w as the entry points get them, and where their tile lies. */
typedef struct {
    const uint8_t *x;
    const int64_t *x_shape, *x_strides;
    int x_signed;
    int32_t x_zero;
    int64_t unit_values;
    int64_t b0, g0, c0, y0, x0;
    int64_t images, groups, filters, channels, out_rows, out_cols; /* of the tile */
    int64_t taps_y, taps_x, stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left;
    int64_t runs;        /* of consecutive input values under a window */
    int64_t run_units;   /* units of a run; the last one may reach into what follows it */
    int64_t cols;        /* input columns that the tile reads */
    int64_t pixel_bytes; /* one input pixel: no space between pixels */
    int64_t row_bytes;   /* one input row */
    int64_t panels;      /* of the filters of a group */
    int64_t panel_bytes;
    int64_t first_panel, end_panel; /* those that are computed: all, or the part of a thread */
} convolution;

/*
 * Where input rows lie in a band: output row r reads the lines r * row_step + fy * tap_step.
 * Output rows share lines where their windows overlap.
 */
typedef struct {
    int shared;
    int64_t row_step, tap_step;
    int64_t rows; /* output rows, at most */
    uint8_t *lines;
} band;

/* Takes the sums of `count` pixels from `first` on, counted over the tile, of one panel. */
typedef void sink(
    void *to, int64_t g, int64_t panel, int64_t used, int64_t first, int64_t count,
    int32_t (*sums)[PANEL_CHANNELS]);

/* Sizes that follow from the others. */
void convolution_sizes(convolution *call);

/* Sets row_step, tap_step and rows for a band that fits the cache; lines stay unset. */
void band_sizes(const convolution *call, band *to);

/* Most lines that the band holds. */
int64_t band_lines(const convolution *call, const band *to);

/* Fills the lines of output rows first .. first + rows of image `b`, group `g`. */
void fill_band(
    const convolution *call, const band *to, int64_t b, int64_t g, int64_t first, int64_t rows);

/* Runs all groups; packed holds [g][panel]. Returns 0 or NPUSIM_NO_MEMORY. */
int convolve(const convolution *call, const uint8_t *packed, sink *take, void *to);
