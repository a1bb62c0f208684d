"""Drafting: a municipality begins an application, fills it in section by section, and attaches documents."""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import puremagic

from grantflow.domain.application import Application, Attachment, CaseEvent, Organisation
from grantflow.domain.deciding import Command, Situation, refuse_if, waiting
from grantflow.domain.errors import BadRequest, NotAllowed, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event


LONGEST_NAME = 200


class DeadlineTerms(msgspec.Struct, frozen=True, omit_defaults=True):
    """A deadline as it stood when the case began: in which states the case waits for it, what then, and when (UTC)."""

    id: str
    limit: datetime
    passed: str
    states: tuple[str, ...]
    reminders: tuple[datetime, ...] = ()
    follow_ups: tuple[datetime, ...] = ()


class ApplicationStarted(CaseEvent, frozen=True, kw_only=True):
    """A municipality has begun an application, under one exact definition of the call (R35)."""

    topic = "application-started@1"

    call: str
    definition: str
    authority: str
    applicant: Organisation
    deadlines: tuple[DeadlineTerms, ...]

    def apply(self, case: Application) -> Application:
        return case.but(call=self.call, definition=self.definition, applicant=self.applicant)


class SectionEdited(CaseEvent, frozen=True, kw_only=True):
    """One section of the form now reads like this."""

    topic = "section-edited@1"

    section: str
    content: dict[str, Any]

    def apply(self, case: Application) -> Application:
        return case.but(content={**case.content, self.section: self.content})


class DocumentAttached(CaseEvent, frozen=True, kw_only=True):
    """A document stands beside the form; its bytes are kept under its digest."""

    topic = "document-attached@1"

    attachment: Attachment

    def apply(self, case: Application) -> Application:
        return case.but(attachments=(*case.attachments, self.attachment))


class DocumentDetached(CaseEvent, frozen=True, kw_only=True):
    """A document no longer belongs to the application. Its bytes are kept: what was archived is not deleted."""

    topic = "document-detached@1"

    digest: str

    def apply(self, case: Application) -> Application:
        return case.but(attachments=tuple(a for a in case.attachments if a.digest != self.digest))


class ApprovalVoided(CaseEvent, frozen=True, kw_only=True):
    """The content changed, so what the director approved is no longer what would be submitted (R22)."""

    topic = "approval-voided@1"

    content: str

    def apply(self, case: Application) -> Application:
        return case.but(approval=None)


class Start(Command, frozen=True, kw_only=True):
    """Begin an application. The applicant is the caller's organisation: never named in the command (R6)."""

    step = "start"

    def decide(self, s: Situation) -> Sequence[Event]:
        number = s.by.organisation
        municipality = s.call.register.municipality(number, s.at)
        applicant = (
            Organisation(number, municipality.name, municipality.number, municipality.county)
            if municipality
            else Organisation(number, "")
        )
        return [
            ApplicationStarted(
                call=s.call.id,
                definition=s.call.digest,
                authority=s.call.authority,
                applicant=applicant,
                deadlines=tuple(
                    DeadlineTerms(d.id, d.limit, d.passed, waiting(s, d), d.reminders, d.follow_ups)
                    for d in s.call.deadlines.values()
                ),
                stamp=s.stamp(),
            )
        ]


class Edit(Command, frozen=True, kw_only=True):
    """Save one section of the form. It may be incomplete; what is there must fit the form."""

    step = "edit"

    section: str
    content: dict[str, Any]

    def decide(self, s: Situation) -> Sequence[Event]:
        refuse_if(s.step, s.call.application_form.check(self.content, complete=False, section=self.section))
        if s.case.content.get(self.section) == self.content:
            msg = f"The section '{self.section}' already reads exactly like this; nothing was changed."
            raise NotAllowed(msg)
        return _changed(s, SectionEdited(section=self.section, content=self.content, stamp=s.stamp()))


class Attach(Command, frozen=True, kw_only=True):
    """Attach a document: `content` is its bytes (base64 in JSON), `media_type` what it claims to be."""

    step = "attach"
    binary = frozenset({"content"})

    filename: str
    media_type: str
    content: bytes

    @property
    def digest(self) -> str:
        """The document's address: SHA-256 of its bytes."""
        return hashlib.sha256(self.content).hexdigest()

    def documents(self) -> Sequence[tuple[str, str, bytes]]:
        return [(self.digest, self.media_type, self.content)]

    def decide(self, s: Situation) -> Sequence[Event]:
        limits = s.call.attachments
        if not _a_name(self.filename):
            msg = f"The filename must be 1 to {LONGEST_NAME} printable characters without path separators."
            raise BadRequest(msg)
        if self.media_type not in limits.types:
            msg = f"{self.media_type} is not accepted here. Accepted: {', '.join(limits.types)}."
            raise NotAllowed(msg)
        if not 0 < len(self.content) <= limits.max_bytes:
            msg = f"The document has {len(self.content)} bytes; allowed is 1 to {limits.max_bytes}."
            raise NotAllowed(msg)
        if len(s.case.attachments) >= limits.max_count:
            msg = (
                f"The application has {limits.max_count} attachments already, which is the most it may have."
            )
            raise NotAllowed(msg)
        if self.media_type not in _sniffed(self.content):
            msg = f"The bytes of {self.filename} are not those of {self.media_type}."
            raise NotAllowed(msg)
        if any(attachment.digest == self.digest for attachment in s.case.attachments):
            msg = f"This exact document is attached already ({self.digest[:12]})."
            raise NotAllowed(msg)
        filename = unicodedata.normalize("NFC", self.filename)
        attachment = Attachment(self.digest, filename, self.media_type, len(self.content))
        return _changed(s, DocumentAttached(attachment=attachment, stamp=s.stamp()))


class Detach(Command, frozen=True, kw_only=True):
    """Take a document out of the application, by its digest."""

    step = "detach"

    digest: str

    def decide(self, s: Situation) -> Sequence[Event]:
        if all(attachment.digest != self.digest for attachment in s.case.attachments):
            msg = f"No document with digest {self.digest[:64]} is attached."
            raise NotFound(msg)
        return _changed(s, DocumentDetached(digest=self.digest, stamp=s.stamp()))


def _changed(s: Situation, change: CaseEvent) -> Sequence[Event]:
    if s.case.approval is None:
        return [change]
    return [change, ApprovalVoided(content=s.case.approval.content, stamp=s.stamp())]


def _a_name(filename: str) -> bool:
    return (
        filename.strip() not in {"", ".", ".."}
        and len(filename) <= LONGEST_NAME
        and filename.isprintable()
        and not {"/", "\\"} & set(filename)
    )


def _sniffed(content: bytes) -> set[str]:
    """The media types that the first bytes speak of."""
    try:
        return {match.mime_type for match in puremagic.magic_string(content)}
    except (puremagic.PureError, ValueError):
        return set()
