"""How GrantFlow logs: a line an event on standard error, JSON for machines, readable on a terminal, about no person."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, TextIO

import msgspec
import structlog

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from structlog.typing import EventDict, Processor

PRIVATE = frozenset(
    {
        "account",
        "address",
        "body",
        "content",
        "data",
        "email",
        "filename",
        "grounds",
        "person",
        "phone",
        "text",
    }
)
"""What is never logged under these names: who somebody is, and what people have written. The events hold that."""

_LONG_NUMBER = re.compile(r"(?<![\w-])\d{6} ?\d{5}(?![\w-])")
"""A national identity number, or an account number: eleven digits on their own."""
_DIGITS = 11
_MASK = "*" * _DIGITS


def set_up(
    level: str = "auto", form: str = "auto", *, keeps_running: bool = False, stream: TextIO | None = None
) -> None:
    """Set up logging for this process, ours and the libraries'. Doing it again replaces what was.

    `level` and `form` are as the settings GRANTFLOW_LOG_LEVEL and GRANTFLOW_LOG_FORMAT say; `keeps_running` tells
    that this is a worker or a server, which says more than a single command does.
    """
    stream = stream or sys.stderr
    if level == "auto":
        level = "info" if keeps_running else "warning"
    readable = form == "console" or (form == "auto" and stream.isatty())
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        without_persons,
    ]
    last = _for_people(stream) if readable else _for_machines()
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
    logging.captureWarnings(capture=True)
    # It tells what a condition fell over, and that is what people have written.
    logging.getLogger("cel").setLevel(logging.CRITICAL)


def about(**facts: object) -> AbstractContextManager[None]:
    """Bind facts (a command's id, a step) to every line that is logged inside, in this thread or task."""
    return structlog.contextvars.bound_contextvars(**facts)


def without_persons(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Leave out what could tell of a person, and mask what looks like a national identity or an account number."""
    return {key: _masked(value) for key, value in event.items() if key not in PRIVATE}


def _masked(value: Any) -> Any:  # noqa: ANN401 - whatever is logged
    match value:
        case str():
            return _LONG_NUMBER.sub(_MASK, value) if len(value) >= _DIGITS else value
        case dict():
            return without_persons(None, "", value)
        case list() | tuple():
            return [_masked(item) for item in value]
        case _:
            return value


def _for_people(stream: TextIO) -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), pad_event_to=10, exception_formatter=structlog.dev.plain_traceback
    )


def _for_machines() -> Processor:
    return structlog.processors.JSONRenderer(serializer=_json)


def _json(event: EventDict, **_: object) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
