"""Quantization-aware training of small networks in PyTorch (extra `qat`), and what it oscillates.

`python -m npusim.quantize.training` trains, exports and judges. Modules that need PyTorch import it
when they are loaded; `needs.require` says first what is missing. The others (`oscillation`,
`flips`, `networks`, `datasets`) do without it.
"""
