"""Writes down what the command line has shown or exported, so far as the database lets it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from grantflow.app import App
    from grantflow.domain.access import Did


def noted(
    app: App, did: Did, what: str, *, case: UUID | None = None, call: str | None = None, count: int = 0
) -> None:
    """Write down that whoever sits here is shown something. Where that can't be written, the log warns, and no more.

    Nobody says who that is: they reach the database, and could read it without us.
    """
    import structlog

    from grantflow.accesses import Access, Unavailable

    access = Access(
        at=datetime.now(UTC),
        person="console",
        organisation="-",
        role="operator",
        channel="cli",
        did=did,
        what=what,
        case=case,
        call=call,
        count=count,
    )
    try:
        app.accesses.note(access)
    except Unavailable as error:
        log = structlog.get_logger(__name__)
        log.warning("access not noted", did=did, what=what, because=error.detail)
