"""Types are made ready for reading before there are threads: msgspec 0.22 can fall over when two do it at once."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from grantflow.domain.application import Application
from grantflow.domain.call_file import CallFile, LettersFile
from grantflow.domain.command import COMMANDS
from grantflow.domain.event import EVENT_TYPES
from grantflow.domain.notice_rules import NoticesFile
from grantflow.domain.process import ProcessFile

if TYPE_CHECKING:
    from collections.abc import Iterable

_lock = threading.Lock()
_warm: set[Any] = set()


def warm_up(*kinds: type[msgspec.Struct]) -> None:
    """Make these types ready, and all that are read from the log, from commands and from definitions."""
    with _lock:
        _each(
            (
                *kinds,
                Application,
                CallFile,
                LettersFile,
                NoticesFile,
                ProcessFile,
                *COMMANDS.values(),
                *EVENT_TYPES.values(),
            )
        )


def _each(kinds: Iterable[Any]) -> None:
    for kind in kinds:
        if kind not in _warm:
            with suppress(msgspec.ValidationError):
                msgspec.convert(None, kind)
            _warm.add(kind)
