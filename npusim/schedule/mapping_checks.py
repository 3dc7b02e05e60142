"""The plain data of a mapping file against a model and a hardware: every mistake with its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from npusim.errors import Problem, nearest_name
from npusim.hardware.document import Document, Path
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.schedule.cascade import cascade_problem, cascaded
from npusim.schedule.fixed import TILE_DIMS, Cascade, Mapping, StepMapping
from npusim.schedule.lower import Lowered
from npusim.schedule.policies import ends_may_stay
from npusim.schedule.program import Step
from npusim.schedule.residency import candidates, stripe_weights
from npusim.schedule.spaces import Choices, choices_of
from npusim.schedule.tables import ALIAS, ARRAY, HOST

_KEYS = ("npusim", "model", "hardware", "sources", "weights_stay", "cascades", "resident", "steps")
_CASCADE_KEYS = ("first", "last", "rows")
_STEP_KEYS = ("name", "tile", "loop_order", "dataflow", "core_split")


class Checker:
    """Reads a document once; `problems` then says what was wrong with it."""

    def __init__(
        self, document: Document, graph: Graph, hardware: Hardware, lowered: Lowered
    ) -> None:
        self._document, self._graph, self._hardware = document, graph, hardware
        self._lowered = lowered
        self._steps = {step.name: step for step in lowered.steps}
        self.problems = list(document.problems)

    def sorted_problems(self) -> list[Problem]:
        """Each problem once, in the order of the text."""

        def place(problem: Problem) -> tuple[int, ...]:
            return tuple(int(part) for part in problem.where.rsplit(":", 2)[1:])

        return sorted(dict.fromkeys(self.problems), key=place)

    def mapping(self) -> Mapping:
        """What the document fixes; meaningless if there are problems."""
        data = self._document.data
        self._check_keys(data, (), _KEYS)
        if data.get("npusim") != "mapping/1":
            what = f"expected 'npusim: mapping/1', found {data.get('npusim')!r}"
            self._complain(("npusim",) if "npusim" in data else (), what)
        cascades = self._cascades()
        if cascades and not self.problems:
            self._lowered = cascaded(self._graph, self._lowered, cascades)
            self._steps = {step.name: step for step in self._lowered.steps}
        return Mapping(self._all_steps(), self._resident(), self._weights_stay(), cascades)

    def _cascades(self) -> tuple[Cascade, ...] | None:
        if "cascades" not in self._document.data:
            return None
        listed = self._document.data["cascades"]
        if not isinstance(listed, list):
            self._complain(("cascades",), f"expected a list of cascades, found {listed!r}")
            return None
        if listed and "cascade" not in self._hardware.mapping.fusion:
            what = (
                f"{self._hardware.name} runs no layers in stripes (mapping.fusion has no cascade)"
            )
            self._complain(("cascades",), what)
        found: list[Cascade] = []
        for at, data in enumerate(listed):
            cascade = self._cascade(data, ("cascades", at))
            if cascade is None:
                continue
            if found and cascade.first <= found[-1].last:
                what = "cascades must follow each other: this one begins before the last one ends"
                self._complain(("cascades", at), what)
            found.append(cascade)
        return tuple(found)

    def _cascade(self, data: object, path: Path) -> Cascade | None:
        """One cascade: names of its first and last step, rows of a stripe."""
        if not isinstance(data, dict):
            what = f"expected {{first: conv1, last: conv3, rows: 8}}, found {data!r}"
            self._complain(path, what)
            return None
        self._check_keys(data, path, _CASCADE_KEYS)
        numbers = {step.name: at for at, step in enumerate(self._lowered.steps)}
        for key in _CASCADE_KEYS:
            if key not in data:
                self._complain(path, f"{key} is missing: expected {', '.join(_CASCADE_KEYS)}")
                return None
        ends = [data["first"], data["last"]]
        for key, name in zip(_CASCADE_KEYS, ends, strict=False):
            if name not in numbers:
                hint = nearest_name(name, list(numbers)) if isinstance(name, str) else ""
                self._complain((*path, key), f"unknown step {name!r}{hint}")
                return None
        first, last, rows = numbers[ends[0]], numbers[ends[1]], data["rows"]
        what = cascade_problem(self._lowered.steps, first, last, rows)
        if what:
            self._complain(path, what)
            return None
        return Cascade(first, last, rows)

    def _complain(self, path: Path, what: str, at_key: bool = False) -> None:
        place = self._document.places[path]
        self.problems.append(Problem(place.key_where if at_key else place.where, what))

    def _check_keys(self, data: dict[str, object], path: Path, known: Sequence[str]) -> None:
        for key in data:
            if key not in known:
                hint = nearest_name(key, known)
                what = f"unknown key {key!r}{hint}: expected {', '.join(known)}"
                self._complain((*path, key), what, at_key=True)

    def _weights_stay(self) -> bool | None:
        value = self._document.data.get("weights_stay")
        if "weights_stay" not in self._document.data or isinstance(value, bool):
            if value and "weights" not in self._hardware.memory.sram.holds:
                what = f"{self._hardware.name} keeps no weights in SRAM (memory.sram.holds)"
                self._complain(("weights_stay",), what)
            return value
        self._complain(("weights_stay",), f"expected true or false, found {value!r}")
        return None

    def _resident(self) -> frozenset[str] | None:
        if "resident" not in self._document.data:
            return None
        listed = self._document.data["resident"]
        if not isinstance(listed, list):
            self._complain(("resident",), f"expected a list of tensors, found {listed!r}")
            return None
        all_stay = self._hardware.memory.dram.read_only
        ends = ends_may_stay(self._hardware)
        may_stay = {name for name, *_ in candidates(self._graph, self._lowered, all_stay, ends)}
        again = {name for name, *_ in stripe_weights(self._graph, self._lowered)}
        found: dict[str, int] = {}
        for at, name in enumerate(listed):
            if not isinstance(name, str):
                what = f"expected the name of a tensor in quotes, found {name!r}"
                self._complain(("resident", at), what)
                continue
            self._check_resident(name, ("resident", at), may_stay | again, found)
            found.setdefault(self._lowered.root.get(name, name), at)
        missing = sorted(may_stay - set(found)) if all_stay else []
        if missing:
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            what = (
                "nothing can leave the SRAM (memory.dram.read_only), so all tensors stay; "
                f"missing: {', '.join(missing[:3])}{more}"
            )
            self._complain(("resident",), what)
        return frozenset(found)

    def _check_resident(
        self, name: str, path: Path, may_stay: set[str], found: dict[str, int]
    ) -> None:
        """Complain if a tensor is not known, here already, or unable to stay."""
        memory, root = self._hardware.memory, self._lowered.root.get(name, name)
        holds_both = {"inputs", "outputs"} <= set(memory.sram.holds)
        what = ""
        if name not in self._graph.tensors:
            what = f"unknown tensor {name!r}{nearest_name(name, sorted(may_stay))}"
        elif root in found:
            there = self._document.places[("resident", found[root])].where
            what = f"tensor {name!r} is here twice: the first is at {there}"
        elif not memory.dram.read_only and not holds_both:
            what = f"{self._hardware.name} keeps no tensor in SRAM (memory.sram.holds)"
        elif root not in may_stay:
            what = (
                f"{name!r} can't stay in SRAM: it is a constant, an input or output of the "
                "model, used by the host, or never read"
            )
        if what:
            self._complain(path, what)

    def _all_steps(self) -> dict[str, StepMapping]:
        listed = self._document.data.get("steps", [])
        if not isinstance(listed, list):
            self._complain(("steps",), f"expected a list of steps, found {listed!r}")
            return {}
        found: dict[str, StepMapping] = {}
        first: dict[str, int] = {}
        for at, data in enumerate(listed):
            path = ("steps", at)
            if not isinstance(data, dict):
                what = f"expected a step such as {{name: conv1, tile: {{K: 16}}}}, found {data!r}"
                self._complain(path, what)
                continue
            self._check_keys(data, path, _STEP_KEYS)
            step = self._step(data, path)
            if step is None:
                continue
            if step.name in first:
                there = self._document.places[("steps", first[step.name], "name")].where
                what = f"step {step.name!r} is here twice: the first is at {there}"
                self._complain((*path, "name"), what)
            first.setdefault(step.name, at)
            found[step.name] = self._step_mapping(step, data, path)
        return found

    def _step(self, data: dict[str, object], path: Path) -> Step | None:
        """The step that an entry names, if it has tiles."""
        name = data.get("name")
        if not isinstance(name, str):
            found = f"found {name!r}" if "name" in data else "it has none"
            where = (*path, "name") if "name" in data else path
            self._complain(where, f"expected name: the name of a step, {found}")
            return None
        where = (*path, "name")
        step = self._steps.get(name)
        if step is None:
            tiled = [n for n, s in self._steps.items() if s.unit not in (ALIAS, HOST)]
            self._complain(where, f"unknown step {name!r}{nearest_name(name, tiled)}")
        elif step.unit in (ALIAS, HOST):
            why = "is a view and costs nothing" if step.unit == ALIAS else "runs on the host"
            self._complain(where, f"step {name!r} {why}: it has no tiles")
        elif sum(other.name == name for other in self._lowered.steps) > 1:
            self._complain(where, f"several steps of the model are called {name!r}")
        else:
            return step
        return None

    def _step_mapping(self, step: Step, data: dict[str, object], path: Path) -> StepMapping:
        choices = choices_of(step.unit, self._hardware)

        def choice(key: str, pick: Callable[[Choices], tuple[str, ...]]) -> str | None:
            if key not in data:
                return None
            return self._choice(step, data[key], (*path, key), pick(choices))

        return StepMapping(
            self._tile(step, data, path),
            choice("loop_order", lambda known: known.loop_orders),
            choice("dataflow", lambda known: known.dataflows),
            choice("core_split", lambda known: known.core_splits),
        )

    def _choice(self, step: Step, value: object, path: Path, known: tuple[str, ...]) -> str | None:
        key = str(path[-1])
        if step.unit != ARRAY and key != "loop_order":
            what = f"{key} has no meaning here: step {step.name!r} runs on the vector unit"
            self._complain(path, what, at_key=True)
        elif value not in known:
            hint = nearest_name(value, known) if isinstance(value, str) else ""
            where = "on the vector unit" if step.unit != ARRAY else f"of {self._hardware.name}"
            what = f"unknown {key} {value!r}{hint}: those {where} are {', '.join(known)}"
            self._complain(path, what)
        return value if isinstance(value, str) else None

    def _tile(self, step: Step, data: dict[str, object], path: Path) -> tuple[int | None, ...]:
        path = (*path, "tile")
        sizes = data.get("tile", {})
        if not isinstance(sizes, dict):
            self._complain(path, f"expected sizes such as {{K: 16, OY: 8}}, found {sizes!r}")
            sizes = {}
        for dim in sizes:
            if dim not in TILE_DIMS:
                hint = nearest_name(dim, TILE_DIMS)
                what = f"unknown loop {dim!r}{hint}: expected {', '.join(TILE_DIMS)}"
                self._complain((*path, dim), what, at_key=True)
        found: list[int | None] = []
        for dim, extent in zip(TILE_DIMS, step.nest.extents, strict=False):
            size = sizes.get(dim)
            if dim in sizes:
                what = self._size_problem(step, dim, size, max(1, extent))
                if what:
                    self._complain((*path, dim), what)
            found.append(size if isinstance(size, int) else None)
        return tuple(found)

    def _size_problem(self, step: Step, dim: str, size: object, extent: int) -> str:
        """What is wrong with a tile's size along a loop; empty if nothing is."""
        rules = self._hardware.mapping
        most: dict[str, int] = dict(rules.tile_max.items())
        multiple: dict[str, int] = dict(rules.tile_multiple.items())
        if not isinstance(size, int) or isinstance(size, bool):
            return f"expected a whole number of elements, found {size!r}"
        if size < 1:
            return f"{size} is not positive"
        if size > extent:
            return f"{size} is more than the loop {dim} of step {step.name!r}, which has {extent}"
        if dim not in step.nest.splits:
            what = f"{step.node.op.kind} can't be cut along {dim}: expected the whole {extent}"
            return "" if size == extent else what
        if size > most.get(dim, size):
            return f"{size} is more than {self._hardware.name} allows: mapping.tile_max {most[dim]}"
        if size % multiple.get(dim, 1) and size != extent:
            step_size = multiple[dim]
            return f"{size} is not a multiple of {step_size} (mapping.tile_multiple) nor the whole"
        return ""
