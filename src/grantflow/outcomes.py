"""What becomes of commands that are stored: each is appended, or one of these refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.errors import Refused
from grantflow.recorder import (
    CONFLICT,
    REPEATED,
    REUSED,
    Answer,
    StoredCommand,
    insert_commands,
    inserting_commands,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.abc import PQGen

    from grantflow.connections import Connection


class Appended(msgspec.Struct, frozen=True):
    """Where the entries stand in the log; `repeated` when the key had been answered before, there."""

    positions: tuple[int, ...]
    repeated: bool = False


class Conflict(Exception):  # noqa: N818 - what happened, not a fault
    """Another writer has taken a place in one of the streams: load, decide again."""


class KeyReused(Refused):
    """An idempotency key came again with another content."""

    code = "idempotency-key-reused"
    status = 422

    def __init__(self) -> None:
        super().__init__("This idempotency key was used for something else. Use a new key for a new command.")


class Overloaded(Refused):
    """More wait than can be kept waiting honestly."""

    code = "overloaded"
    status = 503

    def __init__(self) -> None:
        super().__init__("Too many are waiting. Nothing was stored; try again shortly.")


class Unavailable(Refused):
    """The database does not answer. A command sent again, with the same key, is stored at most once."""

    code = "database-unavailable"
    status = 503

    @classmethod
    def because(cls, error: object) -> Unavailable:
        """Say it with the first line of what the database said."""
        said = str(error).strip().partition("\n")[0] or "it said nothing"
        return cls(f"The database does not answer: {said}")


def store_commands(connection: Connection, commands: Sequence[StoredCommand]) -> list[Appended | Exception]:
    """Store commands, in their order. Their keys see to it that nothing is stored twice."""
    return [_told(answer) for answer in insert_commands(connection, commands)]


def storing_commands(
    connection: Connection, commands: Sequence[StoredCommand]
) -> PQGen[list[Appended | Exception]]:
    """Do so as one of psycopg's generators, which says what there is to wait for."""
    answers = yield from inserting_commands(connection, commands)
    return [_told(answer) for answer in answers]


def _told(answer: Answer) -> Appended | Exception:
    if answer.outcome == CONFLICT:
        return Conflict()
    if answer.outcome == REUSED:
        return KeyReused()
    return appended(answer)


def appended(answer: Answer) -> Appended:
    """Put an answer as the caller sees it."""
    return Appended(tuple(range(answer.first, answer.last + 1)), answer.outcome == REPEATED)
