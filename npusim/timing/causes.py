"""The causes that a cycle of latency can have; see DESIGN section 4."""

from __future__ import annotations

CAUSES = (
    "compute",
    "array_edges",
    "array_fill",
    "weight_load",
    "wait_weights",
    "wait_inputs",
    "wait_output_buffer",
    "vector",
    "postprocess",
    "memory_latency",
    "dma_setup",
    "core_sync",
    "dispatch",
    "conversion",
    "host_link",
    "host",
)
(
    COMPUTE_CAUSE,
    ARRAY_EDGES,
    ARRAY_FILL,
    WEIGHT_LOAD,
    WAIT_WEIGHTS,
    WAIT_INPUTS,
    WAIT_OUTPUT_BUFFER,
    VECTOR_CAUSE,
    POSTPROCESS,
    MEMORY_LATENCY,
    DMA_SETUP,
    CORE_SYNC,
    DISPATCH_CAUSE,
    CONVERSION,
    HOST_LINK,
    HOST_CAUSE,
) = range(len(CAUSES))
