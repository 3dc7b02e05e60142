"""Layer tables: one GEMM or convolution a row; a graph without weights, for counting only.

Two kinds of file are read, told apart by their header.

npusim's own: a header row with any of these columns, in any order; `name` is needed, and either
the GEMM columns or the convolution columns of a row are filled.

    name      what the layer is called, unique
    m, n, k   GEMM: rows, columns, depth of [m, k] x [k, n]
    height, width            input size of a convolution
    filter_height, filter_width
    channels, filters        input and output channels in all
    stride, stride_x         vertical (and horizontal, unless stride_x says otherwise), default 1
    groups                   default 1
    input_zeros, output_zeros    share of elements that are zero, 0 to 1, default unknown: it saves
                             energy where the hardware gates zeros, traffic where it codes them

SCALE-Sim's topologies, as they are: the columns `Layer name, IFMAP Height, IFMAP Width, Filter
Height, Filter Width, Channels, Num Filter, Strides` or, for GEMM, `Layer, M, N, K`, by position;
trailing commas and blanks are ignored. SCALE-Sim rounds the number of windows up: the last one may
reach past the bottom or right edge, which its own cycle and MAC counts include, and so do these.

Every layer is independent of the next: it has an input and an output of its own, int8, and no
padding is added (a table gives sizes as they reach the array).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from npusim.errors import ModelFileError, Problem, nearest_name
from npusim.frontend.content import content_of
from npusim.ir.graph import Graph, Node
from npusim.ir.operator import Operator
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import INT8
from npusim.numerics.quantization import Quantization

PROFILE = "onnx"
"""No layer table is executed; the arithmetic of the drain costs the same under every profile."""

MAX_FILE_BYTES = 2**26
MAX_EXTENT = 2**31 - 1

GEMM = ("m", "n", "k")
CONVOLUTION = ("height", "width", "filter_height", "filter_width", "channels", "filters")
OPTIONAL = ("stride", "stride_x", "groups")
ZEROS = ("input_zeros", "output_zeros")
COLUMNS = ("name", *GEMM, *CONVOLUTION, *OPTIONAL, *ZEROS)

SCALESIM_CONVOLUTION = ("name", *CONVOLUTION, "stride")
SCALESIM_GEMM = ("name", *GEMM)
SCALESIM_HEADER = "layername"
_SCALESIM_GEMM_HEADER = ("layer", "m", "n", "k")


@dataclass(frozen=True)
class _Cell:
    text: str
    line: int
    column: int


def read_layer_table(path: str | Path, *, batch: int | None = None) -> Graph:
    """Read the table at `path`; `batch` repeats every layer's rows or images.

    Raises ModelFileError with file:line:column of every mistake, UsageError if there is no file.
    """
    path = Path(path)
    content = content_of(path, MAX_FILE_BYTES, "a layer table")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ModelFileError(Problem(str(path), "is not a text file in UTF-8")) from None
    return _Table(path).graph(text, batch or 1, hashlib.sha256(content).hexdigest())


class _Table:
    """Reads one file; collects problems so that all are reported at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.nodes: list[Node] = []
        self.tensors: dict[str, Tensor] = {}
        self.rounds_up = False

    def graph(self, text: str, batch: int, sha256: str) -> Graph:
        """The graph, or the error with every problem found."""
        rows = list(_rows(text))
        columns = self._header(rows[0]) if rows else ()
        if not rows:
            self._problem(_Cell("", 1, 1), "the table is empty")
        for row in rows[1:] if columns else []:
            self._layer(row, columns, batch)
        if columns and len(rows) == 1:
            self._problem(rows[0][0], "the table has no layers")
        if self.problems:
            raise ModelFileError(self.problems)
        return Graph(
            name=self.path.stem,
            nodes=tuple(self.nodes),
            tensors=self.tensors,
            inputs=tuple(node.inputs[0] for node in self.nodes),
            outputs=tuple(node.outputs[0] for node in self.nodes),
            profile=PROFILE,
            sha256=sha256,
            weightless=True,
            notes=("a layer table: layers are independent, int8, without padding",),
        )

    def _problem(self, cell: _Cell, what: str) -> None:
        self.problems.append(Problem(f"{self.path}:{cell.line}:{cell.column}", what))

    def _header(self, row: list[_Cell]) -> tuple[str, ...]:
        """The meaning of each column; empty after a problem."""
        names = tuple(re.sub(r"[\s_]", "", cell.text).lower() for cell in row)
        if names[:1] == (SCALESIM_HEADER,):
            self.rounds_up = True
            gemm = names[1:4] == GEMM
            return SCALESIM_GEMM if gemm else SCALESIM_CONVOLUTION
        if names[:4] == _SCALESIM_GEMM_HEADER:
            return SCALESIM_GEMM
        columns = tuple(cell.text.lower() for cell in row)
        before = len(self.problems)
        for index, (cell, name) in enumerate(zip(row, columns, strict=True)):
            if name not in COLUMNS:
                hint = nearest_name(name, COLUMNS)
                self._problem(
                    cell, f"unknown column '{cell.text}'{hint}; known: {', '.join(COLUMNS)}"
                )
            elif name in columns[:index]:
                self._problem(cell, f"column '{name}' is there twice")
        if "name" not in columns:
            self._problem(row[0], "the header has no column 'name'")
        return columns if len(self.problems) == before else ()

    def _layer(self, row: list[_Cell], columns: tuple[str, ...], batch: int) -> None:
        """One row as a node with tensors of its own."""
        if len(row) > len(columns):
            self._problem(row[len(columns)], f"more cells than the {len(columns)} columns")
            return
        cells = {name: cell for name, cell in zip(columns, row, strict=False) if cell.text}
        name = cells.pop("name", None)
        if name is None:
            self._problem(row[0], "the layer has no name")
            return
        if any(node.name == name.text for node in self.nodes):
            self._problem(name, f"layer '{name.text}' is there twice")
            return
        before = len(self.problems)
        stated = {key: cells.pop(key) for key in ZEROS if key in cells}
        zeros = {key: self._share(cell, key) for key, cell in stated.items()}
        values = {key: self._number(cell, key) for key, cell in cells.items()}
        kind = self._kind(name, set(values))
        if len(self.problems) > before:
            return
        if kind == "gemm":
            self._add_gemm(name.text, values, batch, zeros)
        else:
            self._add_convolution(name, values, batch, zeros)

    def _number(self, cell: _Cell, column: str) -> int:
        if not re.fullmatch(r"[0-9]{1,10}", cell.text) or not 1 <= int(cell.text) <= MAX_EXTENT:
            self._problem(cell, f"{column} is '{cell.text}', not a whole number of 1 or more")
            return 1
        return int(cell.text)

    def _share(self, cell: _Cell, column: str) -> float:
        try:
            share = float(cell.text)
        except ValueError:
            share = -1.0
        if not 0.0 <= share <= 1.0:
            self._problem(cell, f"{column} is '{cell.text}', not a share from 0 to 1")
            return 0.0
        return share

    def _kind(self, name: _Cell, given: set[str]) -> str:
        """ "gemm" or "convolution", by the columns that a row fills."""
        gemm, convolution = given & set(GEMM), given & {*CONVOLUTION, *OPTIONAL}
        if gemm and convolution:
            what = f"layer '{name.text}' fills columns of a GEMM and of a convolution"
            self._problem(name, what)
            return "gemm"
        needed = GEMM if gemm else CONVOLUTION
        missing = [column for column in needed if column not in given]
        if missing:
            self._problem(name, f"layer '{name.text}' lacks {', '.join(missing)}")
        return "gemm" if gemm else "convolution"

    def _add_gemm(
        self, name: str, values: dict[str, int], batch: int, zeros: dict[str, float]
    ) -> None:
        rows, columns, depth = values["m"] * batch, values["n"], values["k"]
        shapes = ((rows, depth), (columns, depth), (rows, columns))
        self._add(name, FullyConnected(), shapes, zeros)

    def _add_convolution(
        self, name: _Cell, values: dict[str, int], batch: int, zeros: dict[str, float]
    ) -> None:
        groups = values.get("groups", 1)
        stride = values.get("stride", 1)
        strides = (stride, values.get("stride_x", stride))
        op = Conv2D(stride=strides, groups=groups, padding=self._overhang(values, strides))
        channels, filters = values["channels"], values["filters"]
        if channels % groups or filters % groups:
            what = f"{channels} channels and {filters} filters do not divide into {groups} groups"
            self._problem(name, what)
            return
        x = (batch, values["height"], values["width"], channels)
        w = (filters, values["filter_height"], values["filter_width"], channels // groups)
        try:
            (y,) = op.infer_shapes([Tensor("x", x, INT8), Tensor("w", w, INT8)])
        except ValueError as error:
            self._problem(name, f"layer '{name.text}': {error}")
            return
        self._add(name.text, op, (x, w, y), zeros)

    def _overhang(
        self, values: dict[str, int], strides: tuple[int, int]
    ) -> tuple[int, int, int, int]:
        """Rows below and columns right of the image that the last window reaches."""
        if not self.rounds_up:
            return (0, 0, 0, 0)
        beyond = []
        axes = (("height", "filter_height"), ("width", "filter_width"))
        for (extent, taps), stride in zip(axes, strides, strict=True):
            ragged = (values[extent] - values[taps]) % stride
            beyond.append(stride - ragged if ragged and values[extent] >= values[taps] else 0)
        return (0, 0, beyond[0], beyond[1])

    def _add(
        self, name: str, op: Operator, shapes: tuple[tuple[int, ...], ...], zeros: dict[str, float]
    ) -> None:
        quantization = Quantization.per_tensor(1.0)
        names = (f"{name}:input", f"{name}:weights", f"{name}:output")
        shares = (zeros.get("input_zeros"), None, zeros.get("output_zeros"))
        for tensor, shape, share in zip(names, shapes, shares, strict=True):
            self.tensors[tensor] = Tensor(tensor, shape, INT8, quantization, zeros=share)
        self.nodes.append(Node(name, op, names[:2], names[2:]))


def _rows(text: str) -> Iterator[list[_Cell]]:
    """Rows with their cells; blank ones, and empty cells at a row's end, are dropped."""
    for line, content in enumerate(text.splitlines(), start=1):
        cells = []
        column = 1
        for part in content.split(","):
            indent = len(part) - len(part.lstrip())
            cells.append(_Cell(part.strip(), line, column + indent))
            column += len(part) + 1
        while cells and not cells[-1].text:
            cells.pop()
        if cells:
            yield cells
