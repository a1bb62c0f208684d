"""What commands print: tables for people, one JSON document for machines."""

from __future__ import annotations

import os
import sys
import unicodedata
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grantflow.domain.calendar import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class Counted(Protocol):
    """How far something has come."""

    @property
    def what(self) -> str:
        """What is being done."""

    @property
    def done(self) -> int:
        """How many are done."""

    @property
    def of(self) -> int:
        """Of how many; 0 when that is not known."""


_FULL, _EIGHTHS = "█", " ▏▎▍▌▋▊▉"
_WIDTH = 190
"""Where nobody looks at a terminal, lines are this long at most."""
_OBEYED = ("Cc", "Cs", "Zl", "Zp")
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What makes text run the other way, and so look like something it is not."""


class Page(Console):
    """A page that shows what people have written as they wrote it: no markup and no control character works in it."""

    def render_str(self, text: str, **how: Any) -> Text:  # noqa: ANN401 - rich's own
        """The text itself. Titles and cells come through here; what is to be bold is given as a `Text` or a style."""
        return Text(visible(text), style=how.get("style", ""), justify=how.get("justify"))

    def on_broken_pipe(self) -> None:
        """Leave quietly."""
        enough()


def console() -> Console:
    """Where people read: as wide as their terminal."""
    return Page(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show that something is being done, to people at a terminal: on standard error, so that answers stay clean."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    terminal = Console(stderr=True)
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        progress.add_task(what, total=None)
        yield


@contextmanager
def counting() -> Iterator[Callable[[Counted], None]]:
    """Show how far something has come, to people at a terminal: what, how many are done, and of how many."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    terminal = Console(stderr=True)
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda told: progress.update(
            task, description=told.what, completed=told.done, total=told.of or None
        )


def visible(text: str) -> str:
    """The text with what a terminal would obey rather than show (escapes, turned directions) spelt out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _shows(char) else ascii(char)[1:-1] for char in text)


def write(text: str) -> None:
    """Text on standard output, at once. A reader who has seen enough ends the command quietly."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        enough()


def enough() -> NoReturn:
    """End the process well: whoever read has seen enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(0)


def write_json(value: Any) -> None:  # noqa: ANN401 - any JSON
    """One document on standard output."""
    write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def write_list(rows: Sequence[Mapping[str, Any]], *, as_json: bool, nothing: str = "Nothing.") -> None:
    """Rows as a table, a column a key; as JSON in the contract's shape, `{"items": [...], "next": null}`."""
    if as_json:
        write_json({"items": rows, "next": None})
    elif rows:
        console().print(table_of(rows))
    else:
        write(nothing + "\n")


def write_one(thing: msgspec.Struct, *, as_json: bool) -> None:
    """One thing: a line a field, or the JSON object itself."""
    if as_json:
        write_json(thing)
        return
    fields = msgspec.structs.asdict(thing)
    width = max(map(len, fields))
    for name, value in fields.items():
        shown = "" if value is None else clock(value) if isinstance(value, datetime) else value
        if isinstance(value, tuple):
            shown = ", ".join(map(str, value))
        write(f"{name.replace('_', ' '):<{width}}  {shown}\n")


def table_of(rows: Sequence[Mapping[str, Any]], title: str = "") -> Table:
    """Rows as a table."""
    table = plain_table(title, *(name.replace("_", " ") for name in rows[0]))
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    return table


def plain_table(title: str, *columns: str) -> Table:
    """An empty table in the style of all others."""
    table = Table(
        title=title or None, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def bar(part: int, whole: int, width: int) -> str:
    """A share as a bar of at most `width` characters, to an eighth of one."""
    eighths = part * width * 8 // whole if whole else 0
    full, rest = divmod(min(eighths, width * 8), 8)
    return _FULL * full + _EIGHTHS[rest].strip()


def _shows(char: str) -> bool:
    return char in "\n\t" or (unicodedata.category(char) not in _OBEYED and char not in _TURNING)
