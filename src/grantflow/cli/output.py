"""What commands print: tables for people, one JSON document for machines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FULL, _EIGHTHS = "█", " ▏▎▍▌▋▊▉"
_WIDTH = 190
"""Where nobody looks at a terminal, lines are this long at most."""


def console() -> Console:
    """Where people read: as wide as their terminal."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)


def write_json(value: Any) -> None:  # noqa: ANN401 - any JSON
    """One document on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def write_list(rows: Sequence[Mapping[str, Any]], *, as_json: bool, nothing: str = "Nothing.") -> None:
    """Rows as a table, a column a key; as JSON in the contract's shape, `{"items": [...], "next": null}`."""
    if as_json:
        write_json({"items": rows, "next": None})
    elif rows:
        console().print(table_of(rows))
    else:
        sys.stdout.write(nothing + "\n")


def write_one(row: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing: a line a field, or the JSON object itself."""
    if as_json:
        write_json(row)
        return
    width = max(map(len, row))
    for name, value in row.items():
        sys.stdout.write(f"{name.replace('_', ' '):<{width}}  {'' if value is None else value}\n")


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
