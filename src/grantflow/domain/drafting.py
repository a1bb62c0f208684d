"""Drafting: a municipality begins an application, fills it in section by section, and attaches documents."""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import puremagic

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.command import Command, Situation, refuse_if, waiting
from grantflow.domain.errors import BadRequest, Failure, NotAllowed, NotFound
from grantflow.domain.parts import Attachment, Organisation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.call_file import Area
    from grantflow.domain.event import Event


LONGEST_NAME = 200


class DeadlineTerms(msgspec.Struct, frozen=True, omit_defaults=True):
    """A deadline as it stood when the case began: in which states the case waits for it, what then, and when (UTC).

    `binds` says who is to act: the applicant, or the authority.
    """

    id: str
    limit: datetime
    passed: str
    states: tuple[str, ...]
    reminders: tuple[datetime, ...] = ()
    follow_ups: tuple[datetime, ...] = ()
    binds: str = "applicant"


class ApplicationStarted(CaseEvent, frozen=True, kw_only=True):
    """An application has begun, in an area where the call has some, under one exact definition of the call (R35)."""

    topic = "application-started@2"

    call: str
    definition: str
    authority: str
    applicant: Organisation
    deadlines: tuple[DeadlineTerms, ...]
    area: str = ""

    def apply(self, case: Application) -> Application:
        return case.but(call=self.call, definition=self.definition, applicant=self.applicant, area=self.area)


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
    """Begin an application, in one of the call's areas where it has some.

    The applicant is the caller's organisation: never named in the command (R6).
    """

    step = "start"

    area: str = ""

    def area_of(self, case: Application) -> str:  # noqa: ARG002 - the case has none yet
        return self.area

    def decide(self, s: Situation) -> Sequence[Event]:
        applicant = organisation(s, s.by.organisation)
        if s.call.areas:
            self._eligible(s)
        return [
            ApplicationStarted(
                call=s.call.id,
                definition=s.call.digest,
                authority=s.call.authority,
                applicant=applicant,
                area=self.area,
                deadlines=terms_of(s, self.area),
                stamp=s.stamp(),
            )
        ]

    def _eligible(self, s: Situation) -> None:
        """Each area has its own applicants: municipalities, counties, or both."""
        if not self.area:
            msg = f"Name the area the application is for: {', '.join(s.call.areas)}."
            raise BadRequest(msg)
        area, number = s.call.areas[self.area], s.by.organisation
        registered = {
            "municipality": s.call.register.municipality(number, s.at),
            "county": s.call.register.county(number, s.at),
        }
        if not any(registered[kind] for kind in area.applicants):
            refuse_if(s.step, [_not_eligible(area)])


def organisation(s: Situation, number: str) -> Organisation:
    """An organisation as the register knows it at the instant; without a name when it is not in it."""
    municipality = s.call.register.municipality(number, s.at)
    if municipality:
        return Organisation(number, municipality.name, municipality.number, municipality.county)
    county = s.call.register.county(number, s.at)
    return Organisation(number, county.name, county=county.name) if county else Organisation(number, "")


def terms_of(s: Situation, area: str) -> tuple[DeadlineTerms, ...]:
    """Every deadline that an application in this area may come to wait for, at whichever stage."""
    return tuple(
        DeadlineTerms(d.id, d.limit, d.passed, waiting(s, d), d.reminders, d.follow_ups, d.binds)
        for d in s.call.whole.deadlines.values()
        if not d.areas or area in d.areas
    )


_KINDS = {
    "municipality": {"nb": "kommuner", "nn": "kommunar", "en": "municipalities"},
    "county": {"nb": "fylkeskommuner", "nn": "fylkeskommunar", "en": "county authorities"},
}


def _not_eligible(area: Area) -> Failure:
    who = {
        language: word.join(_KINDS[kind][language] for kind in area.applicants)
        for language, word in (("nb", " og "), ("nn", " og "), ("en", " and "))
    }
    names = {**area.name, "en": area.name.get("en", area.name["nb"])}
    message = {
        "nb": f"I området «{names['nb']}» kan bare {who['nb']} søke.",
        "nn": f"I området «{names['nn']}» kan berre {who['nn']} søkje.",
        "en": f"Only {who['en']} may apply in the area '{names['en']}'.",
    }
    return Failure(rule="applicants", message=message, source=area.source, path="applicant")


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
