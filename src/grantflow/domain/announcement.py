"""The announcement of a call: which definition was published when, and the questions answered for all (R35, R36)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from grantflow.domain.event import Entry, Event

if TYPE_CHECKING:
    from collections.abc import Iterable
from grantflow.domain.money import Ore


class Answer(msgspec.Struct, frozen=True):
    """A question and its answer, open to every applicant (fvl § 11, R36)."""

    question: str
    answer: str


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """A call as its own stream tells it: every definition it has had, by digest, newest last."""

    id: UUID
    version: int = 0
    call: str = ""
    definitions: dict[str, dict[str, str]] = {}
    answers: tuple[Answer, ...] = ()

    @property
    def digest(self) -> str:
        """The digest of the definition in force for new cases; empty before publication."""
        return next(reversed(self.definitions), "")

    def but(self, **changes: object) -> Announcement:
        """The same announcement with some fields changed."""
        return msgspec.structs.replace(self, **changes)


class CallEvent(Event, frozen=True, kw_only=True):
    """An event in a call's stream."""

    stream = "call"

    def apply(self, announcement: Announcement) -> Announcement:
        """The announcement after this event."""
        return announcement


class CallPublished(CallEvent, frozen=True, kw_only=True):
    """The call is open, under exactly these files; `digest` is their SHA-256."""

    topic = "call-published@1"

    call: str
    digest: str
    names: dict[str, str]
    year: int
    frame_ore: Ore
    files: dict[str, str]

    def apply(self, announcement: Announcement) -> Announcement:
        return announcement.but(
            call=self.call, definitions={**announcement.definitions, self.digest: self.files}
        )


class CallRevised(CallEvent, frozen=True, kw_only=True):
    """The call has another definition from now on, with grounds. Cases that have begun keep theirs (R35)."""

    topic = "call-revised@1"

    call: str
    digest: str
    grounds: str
    names: dict[str, str]
    year: int
    frame_ore: Ore
    files: dict[str, str]

    def apply(self, announcement: Announcement) -> Announcement:
        earlier = {
            digest: files for digest, files in announcement.definitions.items() if digest != self.digest
        }
        return announcement.but(definitions={**earlier, self.digest: self.files})


class QuestionAnswered(CallEvent, frozen=True, kw_only=True):
    """A question that matters to all was answered for all."""

    topic = "question-answered@1"

    question: str
    answer: str

    def apply(self, announcement: Announcement) -> Announcement:
        return announcement.but(answers=(*announcement.answers, Answer(self.question, self.answer)))


def fold_announcement(announcement: Announcement, entries: Iterable[Entry]) -> Announcement:
    """The announcement after `entries`, which must follow its version."""
    for entry in entries:
        event = entry.event
        if not isinstance(event, CallEvent) or entry.originator_version != announcement.version + 1:
            msg = f"{entry.id} ({event.topic}) does not follow version {announcement.version} of {announcement.id}"
            raise ValueError(msg)
        announcement = event.apply(announcement).but(version=entry.originator_version)
    return announcement
