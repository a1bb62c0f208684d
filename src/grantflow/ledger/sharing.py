"""Work that is divided into tasks and shared by processes, each of which makes ready once for all it is given."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Done = TypeVar("Done")
Task = tuple[Any, ...]


def shared(
    tasks: Sequence[Task],
    here: Callable[..., Done],
    apart: Callable[..., Done],
    begin: Callable[..., None],
    given: Task,
) -> Iterator[Done]:
    """What comes of each task, the last ones first: this process does the last one that no other has begun.

    `apart` and `begin`, which makes a process ready with what is `given`, are names of a module.
    """
    others = max(1, (os.cpu_count() or 1) - 1)
    pool = ProcessPoolExecutor(others, get_context("spawn"), begin, given)
    try:
        waiting = [(task, pool.submit(apart, *task)) for task in tasks]
        while waiting:
            task, future = waiting.pop()
            yield here(*task) if future.cancel() else future.result()
    finally:
        pool.shutdown(cancel_futures=True)
