"""Workers of a Dask cluster (extra `cluster`): `npusim sweep --engine dask --scheduler ADDRESS`.

The scheduler gives the work of a worker that is lost to another one, which asks for the space if
it does not know it. Workers need the same version of npusim.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from npusim.errors import Problem, UsageError

CONNECT_SECONDS = 20


class Cluster(Executor):
    """The workers that a scheduler has. Closing it leaves the cluster as it is."""

    def __init__(self, address: str) -> None:
        """UsageError if dask.distributed is not installed, or nothing answers at `address`."""
        try:
            import distributed
        except ImportError:
            what = "dask needs dask.distributed: pip install 'npusim[cluster]'"
            raise UsageError(Problem("--engine", what)) from None
        make: Any = distributed.Client  # it has no types
        try:
            self._client: Any = make(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            what = f"no Dask scheduler answers at {address}: {error or type(error).__name__}"
            raise UsageError(Problem("--scheduler", what)) from None
        self._executor = self._client.get_executor(pure=False)

    @property
    def workers(self) -> int:
        """Tasks that run at once."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `Executor.submit`."""
        answer: Future[Any] = self._executor.submit(fn, *args, **kwargs)
        return answer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `Executor.shutdown`."""
        self._client.close()
