"""`npusim.sweep`: a design space from question to table."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from npusim.errors import Problem, UsageError, require_type
from npusim.sweep.about import About, column_types
from npusim.sweep.build import read_space, space_of
from npusim.sweep.engine import Borrowed, Engine, Inline, Told
from npusim.sweep.local import open_pool
from npusim.sweep.objectives import OF
from npusim.sweep.point import Work, space_identity, work_of
from npusim.sweep.result import Sweep
from npusim.sweep.space import Share, Space
from npusim.sweep.store import Store

if TYPE_CHECKING:
    from npusim.api import Model

StrPath = str | os.PathLike[str]


def sweep(
    space: Space | Mapping[str, Any] | StrPath,
    model: Model | StrPath | Sequence[Model | StrPath] | None = None,
    executor: Executor | None = None,
    store: StrPath | None = None,
    workers: int = 1,
    shard: tuple[int, int] = (1, 1),
    told: Told | None = None,
) -> Sweep:
    """Simulate every point of `space` and return the table of them.

    `space` is a Space, a mapping with the keys of a YAML file of a space, or the path of such a
    file. `model` (one or several) is simulated beside the models of the space. Points are computed
    by `workers` processes, or by the workers of `executor`, which stays open. `store` is a file
    that keeps all rows: points that are there already are not computed again. `shard` (i, n) takes
    the i-th of n parts. `told` hears of progress.
    """
    found = _space(space, model)
    if not found.models:
        raise UsageError(Problem("model", "none is given, and the space names none"))
    if workers < 1:
        raise UsageError(Problem("workers", f"{workers} is less than 1"))
    part, parts = shard
    if parts > 1 and found.sample.is_search:
        raise UsageError(Problem("--shard", "a search needs all of its points: use one store"))
    if not 1 <= part <= parts:
        raise UsageError(Problem("--shard", f"{part}/{parts} is not I/N with I from 1 to N"))
    work = work_of(found)
    _check_objectives(found, work)
    opened = Store(store, about_of(work))
    try:
        if found.sample.is_search:
            _search(work, opened, executor, workers, told)
        else:
            engine = Engine(work, opened, _opener(executor, workers), workers, told)
            engine.run(found.points(shard), found.count(shard))
    except BaseException:
        opened.close()
        raise
    return Sweep(opened, found.objectives, found.sample.method != "grid")


def _check_objectives(space: Space, work: Work) -> None:
    """Refuse, before any point is simulated, an objective of a model that is not there."""
    absent = [name for name in space.objectives if name not in work.columns]
    if absent:
        own = [name for name in work.columns if OF in name]
        kinds = f"of single models it finds {', '.join(own)}" if own else "it has one model"
        what = f"this sweep does not find {', '.join(absent)}; {kinds}"
        raise UsageError(Problem("objectives", what))


def _space(
    space: Space | Mapping[str, Any] | StrPath, model: Model | StrPath | Sequence[Any] | None
) -> Space:
    """The space that a caller means, with the models that were given beside it."""
    from npusim.api import Model

    require_type("space", space, (Space, Mapping, str, os.PathLike), "a space, mapping or path")
    if isinstance(space, Mapping):
        space = space_of(space)
    elif not isinstance(space, Space):
        space = read_space(space)
    several = isinstance(model, Sequence) and not isinstance(model, str)
    given = () if model is None else tuple(model) if several else (model,)  # type: ignore[arg-type]
    shares = [
        Share(one.name, model=one) if isinstance(one, Model) else Share(os.fspath(one))
        for one in given
    ]
    if shares and space.varies_model:
        raise UsageError(Problem("model", "is an axis of the space: no other models run beside it"))
    found = replace(space, models=(*space.models, *shares))
    names = [share.name for share in found.models]
    if len(set(names)) < len(names):
        raise UsageError(Problem("models", f"one is there twice: {', '.join(names)}"))
    return found


def _opener(executor: Executor | None, workers: int) -> Callable[[], Executor]:
    """What opens an executor for the engine: the caller's own one stays open."""
    if executor is None:
        return lambda: open_pool(workers)
    return lambda: Borrowed(executor)


def _search(
    work: Work, store: Store, executor: Executor | None, workers: int, told: Told | None
) -> None:
    """Evaluate the points that a search asks for, batch by batch, in the same workers."""
    from npusim.sweep.search import search

    space = work.space
    pool = executor or open_pool(workers)
    heard = None if told is None else lambda state: told(replace(state, total=space.count()))
    alone = isinstance(pool, Inline)
    engine = Engine(work, store, lambda: pool if alone else Borrowed(pool), workers, heard)
    seen: set[int] = set()

    def evaluate(numbers: Sequence[int]) -> list[tuple[float, ...] | None]:
        fresh = [number for number in numbers if number not in seen]
        engine.run(iter(fresh), len(fresh))
        seen.update(fresh)
        found = store.values(numbers, space.objectives)
        return [found.get(number) for number in numbers]

    try:
        search(space, evaluate)
    finally:
        if executor is None:
            pool.shutdown(cancel_futures=True)


def about_of(work: Work) -> About:
    """What a store says of the space of `work`."""
    from npusim import __version__

    space = work.space
    names = tuple(name for name, _, _ in work.models)
    columns = [column for axis in space.axes for column in zip(*axis.values, strict=True)]
    return About(
        identity=space_identity(work),
        npusim=__version__,
        hardware=space.hardware,
        models=names,
        fields=space.paths,
        types=tuple(column_types(columns, work.metrics, 1 if space.varies_model else len(names))),
        metrics=work.metrics,
        units=space.units,
        objectives=space.objectives,
        axes={axis.name: len(axis) for axis in space.axes},
    )
