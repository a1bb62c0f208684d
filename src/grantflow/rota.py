"""Who keeps which duty, since when, and how it goes: for those who look after the service."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from grantflow.duties import number_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grantflow.store import Store

_ROWS = """
    SELECT n.name, l.number IS NOT NULL, nullif(d.holder, ''), d.since, d.beat_at, d.last_run, d.next_at, d.last_error
    FROM unnest(%(names)s::text[], %(numbers)s::oid[]) WITH ORDINALITY AS n (name, number, place)
    LEFT JOIN duties d USING (name)
    LEFT JOIN duty_locks l ON l.number = n.number AND l.backend = d.backend
    ORDER BY n.place
"""


class DutyStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A duty: who holds it (`MACHINE:PROCESS`; null when nobody does just now) and since when, and how it goes.

    `last_run` is when the newest turn that was finished had been begun, by the clock of whoever took it, and `next_at`
    the next instant that was known to need one. `lag` is how many events it is behind, where it follows the log.
    `last_error` is what went wrong with the newest turn; null when nothing did.
    """

    name: str
    holder: str | None = None
    since: datetime | None = None
    beat_at: datetime | None = None
    last_run: datetime | None = None
    next_at: datetime | None = None
    lag: int | None = None
    last_error: str | None = None


def rota(store: Store, names: Sequence[str], lags: Mapping[str, int]) -> list[DutyStanding]:
    """How each of these duties stands, also one that nobody has ever held. Unavailable when the database is."""
    with store.connection() as connection:
        rows = connection.execute(
            _ROWS, {"names": list(names), "numbers": [number_of(name) for name in names]}
        ).fetchall()
    return [
        DutyStanding(
            name=name,
            holder=holder if held else None,
            since=since if held else None,
            beat_at=beat_at,
            last_run=last_run,
            next_at=next_at,
            lag=lags.get(name),
            last_error=last_error,
        )
        for name, held, holder, since, beat_at, last_run, next_at, last_error in rows
    ]
