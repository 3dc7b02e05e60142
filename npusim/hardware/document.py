"""One YAML text as plain data, with the place and the cited sources of every value.

Everything that a file can do wrong before its meaning matters is found here: syntax, duplicate
keys, odd tags, anchors (a few aliases can expand to gigabytes, so none are followed), too much
nesting. A comment `# [key]` at the end of a line cites `sources: {key: ...}` for the values on
that line and, where the line holds the key of a mapping, for everything below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from npusim.errors import Problem, nearest_name

MAX_NODES = 5_000
MAX_DEPTH = 16

# The C parser is ten times faster where PyYAML was built with it; both give marks and nodes.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # as YAML 1.1 counts lines
_CITATION = re.compile(r"\s#\s*\[([^\[\]]+)\][^#]*$")
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
FREE = "free"
"""The citation of a free parameter's line, and the section that declares it."""

_SCALAR_TAGS = ("null", "bool", "int", "float", "str")

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """Where a value was written: `file:line:column`, or an option; and which sources it cites."""

    where: str
    key_where: str
    origin: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Citation:
    """A key that a line cites, and where."""

    key: str
    where: str


@dataclass
class Document:
    """Plain data, the place of each value by path, and what was wrong with the text."""

    data: dict[str, Any]
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    citations: tuple[Citation, ...] = ()


def read_document(text: str, name: str, origin: str, most_values: int = MAX_NODES) -> Document:
    """Reads `text`; places are `name:line:column`. Never raises for what the text says.

    Places hold the keys that they cite until `resolve_citations` puts the texts there.
    """
    document = Document({})
    reader = _Reader(text, name, origin, document, most_values)
    try:
        reader.check_shape()
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        document.problems.append(_syntax_problem(error, name))
        return document
    except _RefusedError as error:
        document.problems.append(error.problem)
        return document
    if not isinstance(root, yaml.MappingNode):
        what = "expected a mapping of keys to values, for example 'name: my-npu'"
        document.problems.append(Problem(f"{name}:1:1", what))
        return document
    document.data = reader.convert(root, (), ())
    document.places[()] = Place(f"{name}:1:1", f"{name}:1:1", origin)
    document.citations = tuple(reader.cited())
    return document


def read_value(text: str, where: str) -> tuple[Any, list[Problem]]:
    """One value as `--set` gives it; problems have `where` as their place."""
    document = read_document(f"value: {text}\n", where, where)
    problems = [Problem(where, problem.what) for problem in document.problems]
    if not problems and set(document.data) != {"value"}:
        problems = [Problem(where, f"{text!r} is not one value")]
    return document.data.get("value"), problems


class _RefusedError(Exception):
    def __init__(self, where: str, what: str) -> None:
        super().__init__(what)
        self.problem = Problem(where, what)


class _Reader:
    def __init__(
        self, text: str, name: str, origin: str, document: Document, most_values: int
    ) -> None:
        self.text, self.name, self.origin, self.document = text, name, origin, document
        self.most_values = most_values
        self.lines = _LINE_BREAK.split(text)
        self.scalar_spans: list[tuple[tuple[int, int], tuple[int, int]]] = []
        self.citations: dict[int, tuple[str, ...]] = {}
        self.scalars = yaml.SafeLoader("")

    def at(self, mark: Any) -> str:
        return f"{self.name}:{mark.line + 1}:{mark.column + 1}"

    def check_shape(self) -> None:
        """Refuses anchors, depth and size from the flat event stream, before any recursion."""
        depth = count = 0
        for event in yaml.parse(self.text, Loader=_Loader):
            where = self.at(event.start_mark)
            if getattr(event, "anchor", None) is not None:
                raise _RefusedError(where, "anchors and aliases are not read: repeat the value, or "
                                    "put what is shared in a file and use extends")  # fmt: skip
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            count += isinstance(event, yaml.NodeEvent)
            if depth > MAX_DEPTH or count > self.most_values:
                raise _RefusedError(where, f"more than {MAX_DEPTH} levels or {self.most_values} "
                                    "values: this is not a description for npusim")  # fmt: skip
            if isinstance(event, yaml.ScalarEvent):
                self._note_span(event)
        self.citations = dict(self._find_citations())

    def _note_span(self, event: Any) -> None:
        """Keeps where a value's text is, so that no citation is found inside it."""
        start, end = event.start_mark, event.end_mark
        block = event.style in ("|", ">")  # a comment may follow its header
        first = (start.line + 1, 0) if block else (start.line, start.column)
        self.scalar_spans.append((first, (end.line, end.column)))

    def _find_citations(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        for line, text in enumerate(self.lines):
            match = _CITATION.search(text)
            if match is None or not text[: match.start()].strip():
                continue
            at = (line, match.start() + 1)
            if any(first <= at < last for first, last in self.scalar_spans):
                continue
            yield line, tuple(key.strip() for key in match.group(1).split(","))

    def convert(self, node: yaml.Node, path: Path, cited: tuple[str, ...]) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, cited)
        if isinstance(node, yaml.SequenceNode):
            values = []
            for index, item in enumerate(node.value):
                values.append(self._entry(item, item, (*path, index), cited))
            return values
        return self._scalar(node)

    def _mapping(
        self, node: yaml.MappingNode, path: Path, cited: tuple[str, ...]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                self._complain(key_node, "a key must be a name")
            elif key in found:
                first = self.document.places[(*path, key)].key_where
                self._complain(key_node, f"key {key!r} is here twice: the first is at {first}")
            else:
                found[key] = self._entry(key_node, value_node, (*path, key), cited)
        return found

    def _entry(self, key: yaml.Node, node: yaml.Node, path: Path, cited: tuple[str, ...]) -> Any:
        lines = (node.start_mark.line, key.start_mark.line)
        own = next((self.citations[line] for line in lines if line in self.citations), cited)
        self.document.places[path] = Place(
            self.at(node.start_mark), self.at(key.start_mark), self.origin, own
        )
        return self.convert(node, path, own)

    def _scalar(self, node: yaml.Node) -> Any:
        kind = node.tag.rsplit(":", 1)[-1]
        plain = getattr(node, "style", None) in (None, "")
        if kind == "str" and plain and _FLOAT.fullmatch(node.value):
            return float(node.value)  # YAML 1.1 reads 1e-3 as text
        if kind not in _SCALAR_TAGS or not node.tag.startswith("tag:yaml.org,2002:"):
            self._complain(node, f"{node.value!r} is read as {kind}: put it in quotes")
            return None
        try:
            return self.scalars.construct_object(node)
        except (ValueError, yaml.YAMLError):
            self._complain(node, f"{node.value!r} is not a {kind}")
            return None

    def _complain(self, node: yaml.Node, what: str) -> None:
        self.document.problems.append(Problem(self.at(node.start_mark), what))

    def cited(self) -> Iterator[Citation]:
        """Every key that a line cites, in reading order."""
        for line, keys in self.citations.items():
            for key in keys:
                column = self.lines[line].rfind(key) + 1
                yield Citation(key, f"{self.name}:{line + 1}:{column}")


def resolve_citations(document: Document, inherited: Mapping[str, str]) -> None:
    """Replaces cited keys by `key: text`; one that no `sources` has is a problem.

    `inherited` are the sources of the file that this one extends. `[free]` stays as it is: it
    cites the section of free parameters.
    """
    own = document.data.get("sources")
    known = {**inherited, **(own if isinstance(own, dict) else {})}
    for citation in document.citations:
        if citation.key != FREE and citation.key not in known:
            hint = nearest_name(citation.key, (*known, FREE))
            what = f"source {citation.key!r} is cited but 'sources' does not have it{hint}"
            document.problems.append(Problem(citation.where, what))
    for path, place in document.places.items():
        texts = tuple(
            key if key == FREE else f"{key}: {known[key]}"
            for key in place.sources
            if key == FREE or key in known
        )
        document.places[path] = replace(place, sources=texts)


def _syntax_problem(error: yaml.YAMLError, name: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    what = getattr(error, "problem", None) or str(error).splitlines()[0]
    return Problem(where, f"not YAML: {what}")
