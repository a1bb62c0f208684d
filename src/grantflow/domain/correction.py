"""Corrections: what was written down wrongly is never changed; a new entry refers to it, and says what is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.command import Command, Situation, said
from grantflow.domain.errors import BadRequest, NotAllowed, NotFound
from grantflow.domain.event import EVENT_TYPES
from grantflow.domain.parts import Correction, Noted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event


class FactCorrected(CaseEvent, frozen=True, kw_only=True):
    """An earlier entry was wrong in one field (bestemmelser om økonomistyring 4.3.6). It stays; this one counts.

    `corrects` is the version of the entry in the case, `reads` how all of it should read. The stamp says when the
    correction was recorded, and as `effective_at` since when the fact has been so.
    """

    topic = "fact-corrected@1"

    corrects: int
    entry: str
    field: str
    before: str
    after: str
    reads: dict[str, Any]
    reason: str

    def apply(self, case: Application) -> Application:
        known = case.noted.get(str(self.corrects))
        if known is None:
            return case
        right = {**known.event, **self.reads}
        correction = Correction(
            self.corrects, self.field, self.before, self.after, self.reason, self.stamp.person
        )
        entry = _entry(known.topic, right)
        case = case if _told_anew(case, self.corrects, entry) else entry.apply_corrected(case)
        return case.but(
            noted={**case.noted, str(self.corrects): Noted(known.topic, right)},
            corrections=(*case.corrections, correction),
        )


class Correct(Command, frozen=True, kw_only=True):
    """Correct one field of an earlier entry, with the reason. `entry` is its version in the case (`case history`).

    Facts from outside can be corrected: a bank's reference, a statement, when a complaint came. A decision is not
    corrected but reversed, and a municipality's own words are its own.
    """

    step = "correct"

    entry: int
    field: str
    value: str
    reason: str

    def decide(self, s: Situation) -> Sequence[Event]:
        known = s.case.noted.get(str(self.entry))
        if known is None:
            can = ", ".join(f"{version} ({noted.topic})" for version, noted in s.case.noted.items())
            msg = f"Entry {self.entry} of this case can't be corrected. These can: {can or 'none'}."
            raise NotFound(msg)
        wrong = _entry(known.topic, known.event)
        if self.field not in wrong.correctable:
            can = ", ".join(sorted(wrong.correctable))
            msg = f"The field '{self.field[:60]}' can't be corrected; these can: {can}."
            raise BadRequest(msg)
        right = wrong.corrected(s, self.field, said(self.value, "value")).facts()
        before, after = str(known.event[self.field]), str(right[self.field])
        if before == after:
            msg = f"The entry says '{after}' already."
            raise NotAllowed(msg)
        return [
            FactCorrected(
                corrects=self.entry,
                entry=known.topic,
                field=self.field,
                before=before,
                after=after,
                reads=right,
                reason=said(self.reason, "reason"),
                stamp=s.stamp(effective_at=wrong.stamp.effective_at or wrong.stamp.recorded_at),
            )
        ]


def _told_anew(case: Application, version: int, entry: CaseEvent) -> bool:
    """Whether a later entry has told the same thing anew, so that what the earlier one says no longer counts."""
    return any(
        int(later) > version
        and noted.topic == entry.topic
        and _entry(noted.topic, noted.event).about == entry.about
        for later, noted in case.noted.items()
    )


def _entry(topic: str, event: dict[str, object]) -> CaseEvent:
    """The noted event again, as it reads now."""
    entry = msgspec.convert(event, EVENT_TYPES[topic])
    if not isinstance(entry, CaseEvent):
        msg = f"{topic} is no event of a case"
        raise TypeError(msg)
    return entry
