"""What a read model is: the question it answers, its tables, and what it writes for each kind of event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypeAlias

from grantflow.domain.event import Entry, Event

JSON = "jsonb"
Row: TypeAlias = dict[str, Any]
"""One row of a table, by column. Values of jsonb columns are any JSON value."""


class Pen(Protocol):
    """What a read model writes with. Rows are kept until the batch is whole, then stored with its position."""

    def get(self, table: str, *key: object) -> Row | None:
        """The row with this primary key, as it stands after everything written so far. Change it only by `put`."""

    def put(self, table: str, **row: object) -> None:
        """Write a whole row, in place of the one with the same primary key, if any."""

    def change(self, table: str, *key: object, **columns: object) -> None:
        """Change some columns of the row with this primary key; nothing when there is none."""

    def add(self, table: str, **row: object) -> None:
        """Write a row that was never there: for tables that only grow."""


Handler: TypeAlias = Callable[[Pen, Entry], None]


@dataclass(frozen=True)
class Table:
    """A table of a read model: columns with their SQL types, the primary key, and further indexes.

    By one of the indexes the rows may stand `together` on the disk once the table was made anew: those that are asked
    for at once are read at once then, and not from as many places.
    """

    columns: Mapping[str, str]
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()
    together: tuple[str, ...] = field(default=(), repr=False)

    @cached_property
    def of_json(self) -> tuple[str, ...]:
        """The columns whose values are any JSON."""
        return tuple(name for name, kind in self.columns.items() if kind.startswith(JSON))


@dataclass(frozen=True)
class Agenda:
    """How a read model that knows what is due is asked: two SELECTs over its own tables.

    `due` gives what is due at %(now)s, as rows of `grantflow.deadlines.Due`; `upcoming` gives the first instant after
    %(now)s at which something becomes due, or null.
    """

    due: str
    upcoming: str


@dataclass(frozen=True)
class Projection:
    """A read model. `on` says what it does with an event type, `every` what it does with each event there is.

    `by_stream` says that each row comes of one stream alone and is found by it, whatever happened in others meanwhile:
    then it is made anew one stream after the other, and what it remembers does not grow with how many are under way.
    """

    name: str
    question: str
    tables: Mapping[str, Table]
    on: Mapping[type[Event], Handler] = field(default_factory=dict)
    every: Handler | None = None
    agenda: Agenda | None = None
    by_stream: bool = False

    def write(self, pen: Pen, entry: Entry) -> None:
        """Let the read model see one event."""
        if self.every is not None:
            self.every(pen, entry)
        handler = self.on.get(type(entry.event))
        if handler is not None:
            handler(pen, entry)
