"""A sign of life from within a turn at a duty: whoever keeps the duty hears that it goes on, or ends it."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class TurnEnded(BaseException):
    """The duty is no longer ours, or the worker is to stop: do nothing more.

    No `Exception`, so that what catches whatever goes wrong with one thing of many does not go on to the next.
    """


def _nobody() -> None:
    """Nobody listens where no duty is kept: in the demo, in a command, in a test."""


_listener: ContextVar[Callable[[], None]] = ContextVar("listener", default=_nobody)


def going_on() -> None:
    """Say that the turn goes on: before each step of work that takes long, and before what can't be taken back.

    Cheap, so often is better than rarely: a turn that says nothing for some seconds counts as stuck, and another worker
    takes the duty over. TurnEnded when there is to be no next step.
    """
    _listener.get()()


@contextmanager
def heard_by(listener: Callable[[], None]) -> Iterator[None]:
    """Let `listener` be told of what goes on inside, in this thread; it may raise TurnEnded."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
