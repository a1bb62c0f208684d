"""Lookings at cases, as a face tells them to the access log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
from msgspec.structs import replace

from grantflow.domain.access import Access

if TYPE_CHECKING:
    from uuid import UUID

CALL = "imdi-2023-tillegg"
AT = datetime(2024, 5, 2, 9, 0, tzinfo=UTC)
_LOOKED = Access(
    at=AT,
    person="riksrevisjonen-7",
    organisation="974760843",
    role="auditor",
    channel="http",
    did="read",
    what="case",
)


def looked(*, after: float = 0, **fields: Any) -> Access:
    """Somebody of the national auditor's looked, so many seconds after nine; at no case unless told."""
    return replace(_LOOKED, at=AT + timedelta(seconds=after), **fields)


def listed(*cases: UUID, after: float = 0, **fields: Any) -> Access:
    """And was shown a page of a list."""
    return looked(after=after, **{"did": "listed", "what": "list", "cases": cases, **fields})


def noting_held_up(address: str) -> psycopg.Connection[tuple[object, ...]]:
    """Keep everybody from writing to the access log until the connection that this gives is closed."""
    connection = psycopg.connect(address)
    connection.execute("LOCK TABLE access_log IN EXCLUSIVE MODE")
    return connection
