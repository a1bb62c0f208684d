"""A case as it stood at an instant: by what was recorded until then, or by what had happened by then."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Literal, NamedTuple

from grantflow.domain.application import Application, fold
from grantflow.domain.correction import FactCorrected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from grantflow.domain.event import Entry

By = Literal["recorded", "happened"]
"""Which of an event's two instants counts: when it was recorded, or when what it tells had happened."""


class Standing(NamedTuple):
    """A case at an instant, and what it is made of.

    `entries` are the events that were folded. Only by `happened`: `corrections` were recorded later and read into it,
    and `apart` had happened by then as well, but can't be folded in.
    """

    case: Application
    entries: Sequence[Entry]
    corrections: Sequence[Entry] = ()
    apart: Sequence[Entry] = ()


def standing(case: UUID, entries: Sequence[Entry], at: datetime, by: By = "recorded") -> Standing:
    """The case as it stood at an instant, from its whole stream; its version is 0 when it had not begun.

    By `recorded`, it is the fold of the events recorded by then: what anybody could know.

    By `happened`, it is what was true by then, whenever that was learnt. An event counts from the instant it happened
    (`effective_at`, or `recorded_at` where none is told). Each was decided on the case that those before it had led
    to, so none is folded without them: the fold ends before the first event that had not happened. What comes after
    that one and had happened is either a correction of an entry in the fold, which then reads as it should have, or
    it stands `apart`: it was so, and the case as folded does not show it.
    """
    if by == "recorded":
        known = list(takewhile(lambda entry: entry.event.stamp.recorded_at <= at, entries))
        return Standing(fold(case, known), known)
    known = list(takewhile(lambda entry: happened_at(entry) <= at, entries))
    late = [entry for entry in entries[len(known) :] if happened_at(entry) <= at]
    stood = fold(case, known)
    corrections: list[Entry] = []
    apart: list[Entry] = []
    for entry in late:
        event = entry.event
        if isinstance(event, FactCorrected) and event.corrects <= len(known):
            stood = event.apply(stood)
            corrections.append(entry)
        else:
            apart.append(entry)
    return Standing(stood, known, corrections, apart)


def happened_at(entry: Entry) -> datetime:
    """When what an entry tells had happened: when it was recorded, unless it says that it was earlier."""
    stamp = entry.event.stamp
    return stamp.effective_at or stamp.recorded_at
