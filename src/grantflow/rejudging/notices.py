"""Notices and mailboxes judged anew: whether a rule called for each, in these words, once, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from grantflow.domain.application import Application, evolve
from grantflow.domain.contact import ContactEvent, ContactRegistered, mailbox
from grantflow.domain.errors import BadRequest
from grantflow.domain.notice import (
    Notice,
    NoticeEvent,
    NoticeFailed,
    NoticeMade,
    NoticeResent,
    Notices,
    NoticeSent,
    NoticeSkipped,
)
from grantflow.domain.noticing import CLOCK, by_deadline, on_event, told
from grantflow.domain.roles import MUNICIPAL
from grantflow.rejudging.cases import Refusal, otherwise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grantflow.domain.call import Call
    from grantflow.domain.event import Entry
    from grantflow.domain.noticing import Occasion
    from grantflow.rejudging.lookups import Lookups

_NOBODY = UUID(int=0)


def rejudge_notices(
    entries: Sequence[Entry], of_case: Sequence[Entry], lookups: Lookups
) -> Iterator[Refusal]:
    """Every entry of a case's notices that its history and its rules don't bear out."""
    judge = _Judge(of_case, lookups)
    known = Notices(id=entries[0].originator_id)
    for entry in entries:
        event = entry.event
        if not isinstance(event, NoticeEvent) or entry.originator_version != known.version + 1:
            yield Refusal(entry, f"does not follow version {known.version} of its stream")
            return
        yield from judge.of(entry, event, known)
        after = event.apply(known)
        known = Notices(id=known.id, version=entry.originator_version, notices=after.notices)


class _Judge:
    """Judges what is told of one case's notices."""

    def __init__(self, of_case: Sequence[Entry], lookups: Lookups) -> None:
        self._entries, self._lookups = of_case, lookups
        self._id = of_case[0].originator_id if of_case else _NOBODY
        self._states: list[Application] = [Application(id=self._id)]

    def of(self, entry: Entry, event: NoticeEvent, known: Notices) -> Iterator[Refusal]:
        """What is wrong with one entry, after those that were known."""
        if event.case != self._id:
            yield Refusal(entry, f"is about the case {event.case}, which this stream is not of")
        elif isinstance(event, NoticeMade):
            if event.notice in known.notices:
                yield Refusal(entry, "makes a notice once more that was made before")
            yield from self._made(entry, event)
        elif isinstance(event, NoticeSkipped):
            yield from self._skipped(entry, event)
        else:
            yield from (Refusal(entry, what) for what in self._became(event, known))

    def _made(self, entry: Entry, event: NoticeMade) -> Iterator[Refusal]:
        at = event.stamp.recorded_at
        found = self._occasion(entry, event.rule, event.about, event.version)
        if found is None:
            yield Refusal(entry, f"no rule '{event.rule}' of the call tells of {event.about}")
            return
        call, occasion = found
        if at < occasion.since:
            yield Refusal(entry, f"made before it was due, {occasion.since.isoformat()}")
        again = told(call, occasion, at)
        if isinstance(again, NoticeSkipped):
            yield Refusal(entry, f"made though {again.reason}")
            return
        same = next((one for one in again if one.notice == event.notice), None)
        yield from otherwise(entry, same, self._lookups)

    def _skipped(self, entry: Entry, event: NoticeSkipped) -> Iterator[Refusal]:
        for version in range(len(self._entries), 0, -1):
            found = self._occasion(entry, event.rule, event.about, version)
            if found is not None:
                again = told(*found, event.stamp.recorded_at)
                one = again if isinstance(again, NoticeSkipped) else again[0]
                yield from otherwise(entry, one, self._lookups)
                return
        yield Refusal(entry, f"no rule '{event.rule}' of the call tells of {event.about}")

    def _occasion(self, entry: Entry, rule: str, about: str, version: int) -> tuple[Call, Occasion] | None:
        """What the rule told of, in the case as it was at a version; None where it told of no such thing then."""
        if not 0 < version <= len(self._entries) or self._entries[version - 1].position > entry.position:
            return None
        case, last = self._case(version), self._entries[version - 1]
        call = self._lookups.call(case.definition).within(case.area, case.stage)
        return next(
            (
                (call, one)
                for one in (*on_event(call, case, last), *by_deadline(call, case))
                if (one.rule.id, one.about) == (rule, about)
            ),
            None,
        )

    def _case(self, version: int) -> Application:
        while len(self._states) <= version:
            self._states.append(evolve(self._states[-1], self._entries[len(self._states) - 1]))
        return self._states[version]

    def _became(self, event: NoticeEvent, known: Notices) -> Iterator[str]:
        """Where what became of a notice doesn't fit what was known of it."""
        notice = known.notices.get(getattr(event, "notice", _NOBODY))
        stamp, directorate = event.stamp, self._directorate()
        if notice is None:
            yield "is about a notice that was never made"
            return
        if stamp.organisation != directorate:
            yield f"{stamp.organisation} is not the directorate behind the call ({directorate})"
        if isinstance(event, NoticeResent):
            if notice.waits or notice.made.channel != "email" or stamp.role == CLOCK:
                yield "is sent once more by the clock, or while it waits, or in the portal"
            return
        if stamp.role != CLOCK:
            yield f"{stamp.role} sends no mail: the clock does"
        if not notice.waits:
            yield "what became of it was told before"
        else:
            yield from _attempt(event, notice)

    def _directorate(self) -> str:
        case = self._case(len(self._entries))
        return self._lookups.call(case.definition).authority


def _attempt(event: NoticeEvent, notice: Notice) -> Iterator[str]:
    """Where an attempt to send is not the next one, or comes at a time when there is none."""
    at = event.stamp.recorded_at
    if isinstance(event, NoticeSent) and (at < notice.made.send_at or event.attempt != notice.attempts + 1):
        yield "sent too early, or another attempt than the next"
    if isinstance(event, NoticeFailed):
        tried = event.attempt - notice.attempts
        if tried not in (0, 1) or (tried == 0 and at < notice.made.expires_at):
            yield "another attempt than the next"
        if event.again_at is not None and event.again_at <= at:
            yield "tried again no later than now"


def rejudge_contacts(organisation: str, entries: Sequence[Entry], lookups: Lookups) -> Iterator[Refusal]:
    """Every entry of an organisation's mailboxes that somebody else has made, or that names no mailbox."""
    for entry in entries:
        event = entry.event
        if isinstance(event, ContactEvent):
            yield from (Refusal(entry, what) for what in _contact(organisation, event, entry, lookups))


def _contact(organisation: str, event: ContactEvent, entry: Entry, lookups: Lookups) -> Iterator[str]:
    stamp = event.stamp
    if event.organisation != organisation:
        yield f"is about {event.organisation}, in the stream of {organisation}"
    if stamp.role in MUNICIPAL and (stamp.organisation != organisation or event.under):
        yield f"{stamp.organisation} speaks for itself only, and not for {organisation}"
    if stamp.role not in MUNICIPAL:
        digests = lookups.newest(event.under, entry.position, stamp.recorded_at)
        if not any(lookups.call(one).authority == stamp.organisation for one in digests):
            yield f"{stamp.organisation} is not the directorate behind the call '{event.under}'"
    if isinstance(event, ContactRegistered):
        try:
            mailbox(event.address)
        except BadRequest:
            yield "it names no mailbox"
