"""Notices as history: what was made for whom, what became of it, and what was left out because it came too late."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from grantflow.domain.event import Entry, Event

if TYPE_CHECKING:
    from collections.abc import Iterable


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One notice as its events tell it. `round` goes up each time somebody has it sent again."""

    made: NoticeMade
    round: int = 1
    attempts: int = 0
    sent_at: datetime | None = None
    failed: str = ""
    """Why it will not be sent; empty while it may be."""
    first_failed_at: datetime | None = None
    again_at: datetime | None = None

    @property
    def waits(self) -> bool:
        """Whether it is still to be sent."""
        return self.made.channel == "email" and self.sent_at is None and not self.failed

    def but(self, **changes: object) -> Notice:
        """The same notice with some fields changed."""
        return msgspec.structs.replace(self, **changes)


class Notices(msgspec.Struct, frozen=True, kw_only=True):
    """The notices of one case, by their ids, folded from a stream of their own."""

    id: UUID
    version: int = 0
    recorded_at: datetime | None = None
    notices: dict[UUID, Notice] = {}

    def but(self, notice: UUID, **changes: object) -> Notices:
        """The same notices with one of them changed; one that was never made changes nothing."""
        known = self.notices.get(notice)
        if known is None:
            return self
        return msgspec.structs.replace(self, notices={**self.notices, notice: known.but(**changes)})


class NoticeEvent(Event, frozen=True, kw_only=True):
    """An event in the stream of a case's notices: beside the case's own, so that telling of it doesn't change it."""

    stream = "notices"

    call: str
    case: UUID

    def apply(self, known: Notices) -> Notices:
        """The notices after this event."""
        return known


class NoticeMade(NoticeEvent, frozen=True, kw_only=True):
    """A notice by a rule of the call, about an event (`case.version`) or an instant of a deadline, for one recipient.

    `version` is the case's at which it was worded. In the portal it is there from now on; a mail waits until `send_at`,
    and is not sent once it `expires_at`. With others that are `gathered` (daily), it goes in one.
    """

    topic = "notice-made@1"

    notice: UUID
    rule: str
    about: str
    version: int
    to: str
    organisation: str
    channel: str
    language: str
    subject: str
    text: str
    send_at: datetime
    expires_at: datetime
    gathered: str = ""

    def apply(self, known: Notices) -> Notices:
        return msgspec.structs.replace(known, notices={**known.notices, self.notice: Notice(made=self)})


class NoticeSkipped(NoticeEvent, frozen=True, kw_only=True):
    """A notice that was not made: when somebody was there to make it, it would have said what no longer holds."""

    topic = "notice-skipped@1"

    rule: str
    about: str
    due_at: datetime
    reason: str


class NoticeSent(NoticeEvent, frozen=True, kw_only=True):
    """The mail server has taken the mail over: to which address, under which Message-ID, and what it answered.

    `together` is how many notices were in the same mail.
    """

    topic = "notice-sent@1"

    notice: UUID
    attempt: int
    address: str
    message: str
    answer: str
    together: int = 1

    def apply(self, known: Notices) -> Notices:
        return known.but(
            self.notice, attempts=self.attempt, sent_at=self.stamp.recorded_at, failed="", again_at=None
        )


class NoticeFailed(NoticeEvent, frozen=True, kw_only=True):
    """The mail was not taken over; it is tried again at `again_at`, or never, when that is empty."""

    topic = "notice-failed@1"

    notice: UUID
    attempt: int
    address: str
    reason: str
    again_at: datetime | None = None

    @property
    def final(self) -> bool:
        """Whether it is given up."""
        return self.again_at is None

    def apply(self, known: Notices) -> Notices:
        before = known.notices.get(self.notice)
        first = (before.first_failed_at if before else None) or self.stamp.recorded_at
        return known.but(
            self.notice,
            attempts=self.attempt,
            failed=self.reason if self.final else "",
            first_failed_at=first,
            again_at=self.again_at,
        )


class NoticeResent(NoticeEvent, frozen=True, kw_only=True):
    """Somebody at the directorate wants it sent once more; from now on it waits as when it was made."""

    topic = "notice-resent@1"

    notice: UUID
    reason: str
    expires_at: datetime

    def apply(self, known: Notices) -> Notices:
        before = known.notices.get(self.notice)
        if before is None:
            return known
        made = msgspec.structs.replace(
            before.made, send_at=self.stamp.recorded_at, expires_at=self.expires_at, gathered=""
        )
        return known.but(
            self.notice,
            made=made,
            round=before.round + 1,
            sent_at=None,
            failed="",
            first_failed_at=None,
            again_at=None,
        )


def fold_notices(known: Notices, entries: Iterable[Entry]) -> Notices:
    """The notices after `entries`, which must follow their version."""
    for entry in entries:
        event = entry.event
        if not isinstance(event, NoticeEvent) or entry.originator_version != known.version + 1:
            msg = f"{entry.id} ({event.topic}) does not follow version {known.version} of {known.id}"
            raise ValueError(msg)
        known = msgspec.structs.replace(
            event.apply(known), version=entry.originator_version, recorded_at=event.stamp.recorded_at
        )
    return known
