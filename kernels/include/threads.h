/*
 * Parts of a layer that run side by side. Parts write different outputs, and each sum is made within
 * one part: the bits do not depend on how many there are.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { MOST_PARTS = 64 };

typedef void part_work(void *part);

/*
 * How many parts work of so many multiply-adds is worth, at most `threads` and MOST_PARTS; never less
 * than one.
 */
int64_t parts_of(double macs, int64_t threads);

/* Calls `work` for each of `count` parts of `bytes` bytes; returns when all are done. */
void run_parts(part_work *work, void *parts, size_t bytes, int64_t count);
