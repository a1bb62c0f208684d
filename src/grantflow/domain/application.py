"""An application as its history tells it: every field here was put there by an event, and by nothing else."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import msgspec

from grantflow.domain.digest import digest_of
from grantflow.domain.event import Entry, Event
from grantflow.domain.money import Ore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grantflow.domain.call import Call

NEW = "new"
"""The state before the first event."""


class Organisation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A municipality as the register knew it at the instant: numbers change, the case keeps what was true."""

    number: str
    name: str
    municipality: str = ""
    county: str = ""


class Attachment(msgspec.Struct, frozen=True):
    """A document beside the form, known by the SHA-256 of its bytes. `size` is in bytes."""

    digest: str
    filename: str
    media_type: str
    size: int


class Delegation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A written authority (fullmakt): who gave it, its archive reference, and when it holds (both days included)."""

    reference: str
    issued_by: str
    valid_from: date
    valid_to: date | None = None

    def covers(self, day: date) -> bool:
        """Whether the authority was in force on `day`."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class Approval(msgspec.Struct, frozen=True, omit_defaults=True):
    """The director's yes to one exact content (R22)."""

    content: str
    person: str
    capacity: str
    at: datetime
    delegation: Delegation | None = None


class InformationRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request for missing information and, beside it, its answer (fvl § 11, R33)."""

    number: int
    what: str
    due: datetime
    answer: str | None = None
    answered_at: datetime | None = None


class Score(msgspec.Struct, frozen=True):
    """One assessor's points on one criterion, with grounds."""

    criterion: str
    assessor: str
    points: int
    grounds: str


class Assessment(msgspec.Struct, frozen=True, omit_defaults=True):
    """The case officer's closed assessment: the weighted score and what is recommended."""

    score: Decimal
    recommendation: str
    grounds: str
    person: str
    amount_ore: Ore = 0


class Grounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a decision was made: the rule, the facts, the main considerations (fvl § 25). All three, always."""

    rule: str
    facts: str
    considerations: str


class SpecialCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A condition for this one project (R14): what, and by which day the municipality must show it."""

    id: str
    text: str
    due: date


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decision (vedtak): its outcome, amount, grounds, conditions, and who had the authority."""

    outcome: str
    person: str
    at: datetime
    grounds: Grounds
    amount_ore: Ore = 0
    authority: str = ""
    conditions: tuple[SpecialCondition, ...] = ()


class Exemption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ministry's time-limited exemption (introduction act § 27, integration act § 38), by its reference."""

    reference: str
    decided_by: str
    valid_from: date
    valid_to: date


class Payment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A payment on its way: what was attested, to which account, and how far it has come."""

    amount_ore: Ore
    account: str
    attested_by: str
    authorised_by: str = ""
    bank_reference: str = ""


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """Report and accounts as delivered, and who has signed that exact digest (R24-R27)."""

    digest: str
    content: dict[str, Any]
    booked_ore: Ore
    signed_by: str = ""
    countersigned_by: str = ""
    accepted_by: str = ""
    returned: bool = False
    days_late: int = 0


class Repayment(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was left unspent and is claimed back: notice, claim, and what has come in so far."""

    unspent_ore: Ore
    notified: bool = False
    answer_limit: datetime | None = None
    claimed_ore: Ore = 0
    received_ore: Ore = 0


class Application(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One application's state, folded from its stream. Immutable: every event gives a new one."""

    id: UUID
    version: int = 0
    state: str = NEW
    recorded_at: datetime | None = None

    call: str = ""
    definition: str = ""
    applicant: Organisation = Organisation("", "")
    content: dict[str, dict[str, Any]] = {}
    attachments: tuple[Attachment, ...] = ()
    approval: Approval | None = None
    submitted: str | None = None
    asked_ore: Ore = 0
    eligible_ore: Ore = 0

    case_officer: str = ""
    conflicts: dict[str, bool] = {}
    requests: tuple[InformationRequest, ...] = ()
    consultation_due: bool = False
    consulted: tuple[str, ...] = ()
    statements: dict[str, str] = {}
    scores: tuple[Score, ...] = ()
    assessment: Assessment | None = None

    decision: Decision | None = None
    letter: str = ""
    exemption_needed: bool = False
    exemption: Exemption | None = None
    account: str = ""
    payment: Payment | None = None

    report: Report | None = None
    repayment: Repayment | None = None

    extensions: dict[str, datetime] = {}
    reminded: dict[str, datetime] = {}
    overdue: dict[str, datetime] = {}
    acts: dict[str, tuple[str, ...]] = {}
    """Who has taken each step in this case: four-eyes is on persons, over the whole case."""

    @classmethod
    def restored(cls, kept: Any) -> Self:  # noqa: ANN401 - plain JSON values
        """The application from the plain values it was kept as by a read model."""
        return msgspec.convert(kept, cls)

    @property
    def content_digest(self) -> str:
        """SHA-256 of exactly what a director approves: the definition, every section, every document and its name."""
        return digest_of(
            {
                "definition": self.definition,
                "content": self.content,
                "attachments": sorted((document.digest, document.filename) for document in self.attachments),
            }
        )

    def limit(self, deadline: str, call: Call) -> datetime:
        """The first instant that is too late for this case: the call's, or this case's own extension."""
        return self.extensions.get(deadline) or call.limit(deadline)

    def open_requests(self, at: datetime) -> tuple[InformationRequest, ...]:
        """Requests for information that are neither answered nor past their date."""
        return tuple(request for request in self.requests if request.answer is None and at < request.due)

    def but(self, **changes: Any) -> Application:  # noqa: ANN401 - the fields' own types
        """The same application with some fields changed."""
        return msgspec.structs.replace(self, **changes)


class CaseEvent(Event, frozen=True, kw_only=True):
    """An event in an application's stream; `apply` says what it changes beside state and version."""

    def apply(self, case: Application) -> Application:
        """The application after this event."""
        return case


def evolve(case: Application, entry: Entry) -> Application:
    """One event further. Raises ValueError when the entry is not the stream's next."""
    event = entry.event
    if not isinstance(event, CaseEvent) or entry.originator_version != case.version + 1:
        msg = f"{entry.id} ({event.topic}) does not follow version {case.version} of case {case.id}"
        raise ValueError(msg)
    stamp = event.stamp
    persons = case.acts.get(stamp.step, ())
    acts = case.acts if stamp.person in persons else {**case.acts, stamp.step: (*persons, stamp.person)}
    return event.apply(case).but(
        version=entry.originator_version, state=stamp.state, recorded_at=stamp.recorded_at, acts=acts
    )


def fold(case_id: UUID, entries: Iterable[Entry]) -> Application:
    """An application from its whole stream, in version order."""
    case = Application(id=case_id)
    for entry in entries:
        case = evolve(case, entry)
    return case
