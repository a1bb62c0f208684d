"""A queue in which those in whose name things wait take turns."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """What waits, by whose it is: one of each in turn, and in the order it came within one's own. Not thread-safe."""

    def __init__(self) -> None:
        self._theirs: OrderedDict[str, deque[T]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        """How much waits in all."""
        return self._length

    def put(self, whose: str, what: T) -> None:
        """Let something wait, after all else of theirs."""
        self._theirs.setdefault(whose, deque()).append(what)
        self._length += 1

    def take(self, most: int) -> list[T]:
        """Take what is next, so much at most."""
        taken: list[T] = []
        while self._theirs and len(taken) < most:
            whose, waiting = self._theirs.popitem(last=False)
            taken.append(waiting.popleft())
            if waiting:
                self._theirs[whose] = waiting
        self._length -= len(taken)
        return taken
