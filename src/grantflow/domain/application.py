"""An application as its history tells it: every field here was put there by an event, and by nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

import msgspec

from grantflow.domain.digest import digest_of
from grantflow.domain.event import Entry, Event
from grantflow.domain.money import Ore
from grantflow.domain.parts import (
    AccountOnRecord,
    Approval,
    Assessment,
    Attachment,
    Complaint,
    ConditionOutcome,
    Correction,
    Decision,
    DeclaredStep,
    EarlierStage,
    Exemption,
    InformationRequest,
    Noted,
    Notice,
    Organisation,
    Payment,
    Repayment,
    Report,
    Reversal,
    Score,
    StateAid,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grantflow.domain.call import Call
    from grantflow.domain.command import Situation

NEW = "new"
"""The state before the first event."""


class Application(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One application's state, folded from its stream. Immutable: every event gives a new one."""

    id: UUID
    version: int = 0
    state: str = NEW
    recorded_at: datetime | None = None

    call: str = ""
    definition: str = ""
    area: str = ""
    stage: str = ""
    applicant: Organisation = Organisation("", "")
    content: dict[str, dict[str, Any]] = {}
    attachments: tuple[Attachment, ...] = ()
    approval: Approval | None = None
    declared: dict[str, DeclaredStep] = {}
    submitted: str | None = None
    asked_ore: Ore = 0
    eligible_ore: Ore = 0
    title: str = ""
    partners: tuple[str, ...] = ()
    """The organisations that apply together with the applicant, once submitted (R7)."""
    earlier: tuple[EarlierStage, ...] = ()

    case_officer: str = ""
    conflicts: dict[str, bool] = {}
    requests: tuple[InformationRequest, ...] = ()
    consultation_due: bool = False
    consulted: tuple[str, ...] = ()
    statements: dict[str, str] = {}
    scores: tuple[Score, ...] = ()
    assessment: Assessment | None = None
    state_aid: StateAid | None = None

    decision: Decision | None = None
    letter: str = ""
    told_at: datetime | None = None
    conditions: dict[str, ConditionOutcome] = {}
    reversals: tuple[Reversal, ...] = ()
    notice: Notice | None = None
    complaints: tuple[Complaint, ...] = ()
    exemption_needed: bool = False
    exemption: Exemption | None = None
    accounts: tuple[AccountOnRecord, ...] = ()
    payment: Payment | None = None
    paid_ore: Ore = 0
    instalments_paid: int = 0

    report: Report | None = None
    repayment: Repayment | None = None

    extensions: dict[str, datetime] = {}
    reminded: dict[str, datetime] = {}
    overdue: dict[str, datetime] = {}
    noted: dict[str, Noted] = {}
    """Facts that can be corrected, by the version of the event they stand in."""
    corrections: tuple[Correction, ...] = ()
    acts: dict[str, tuple[str, ...]] = {}
    """Who has taken each step in this case: four-eyes is on persons, over the whole case."""

    @classmethod
    def restored(cls, kept: Any) -> Self:  # noqa: ANN401 - plain JSON values
        """The application from the plain values it was kept as by a read model."""
        return msgspec.convert(kept, cls)

    @property
    def account(self) -> str:
        """The recipient's account in force; empty when none is registered."""
        return self.accounts[-1].account if self.accounts else ""

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

    def settled(self, condition: str) -> bool:
        """Whether a special condition is met or waived."""
        return condition in self.conditions

    def but(self, **changes: Any) -> Application:  # noqa: ANN401 - the fields' own types
        """The same application with some fields changed."""
        return msgspec.structs.replace(self, **changes)


class CaseEvent(Event, frozen=True, kw_only=True):
    """An event in an application's stream; `apply` says what it changes beside state and version."""

    correctable: ClassVar[frozenset[str]] = frozenset()
    """The fields that hold a fact from outside, which may have been written down wrongly."""

    def apply(self, case: Application) -> Application:
        """The application after this event."""
        return case

    @property
    def about(self) -> str:
        """What its fact is about: a later entry about the same counts for more than a corrected earlier one."""
        return ""

    def corrected(self, s: Situation, field: str, value: str) -> CaseEvent:
        """The event with one field reading otherwise, by the rules it was recorded by; or a refusal."""
        raise NotImplementedError

    def apply_corrected(self, case: Application) -> Application:
        """The application once this event, which it has seen already, reads as it does now."""
        return self.apply(case)


def evolve(case: Application, entry: Entry) -> Application:
    """One event further. Raises ValueError when the entry is not the stream's next."""
    event = entry.event
    if not isinstance(event, CaseEvent) or entry.originator_version != case.version + 1:
        msg = f"{entry.id} ({event.topic}) does not follow version {case.version} of case {case.id}"
        raise ValueError(msg)
    stamp = event.stamp
    persons = case.acts.get(stamp.step, ())
    acts = case.acts if stamp.person in persons else {**case.acts, stamp.step: (*persons, stamp.person)}
    after = event.apply(case).but(
        version=entry.originator_version, state=stamp.state, recorded_at=stamp.recorded_at, acts=acts
    )
    if event.correctable:
        noted = Noted(event.topic, msgspec.to_builtins(event))
        after = after.but(noted={**after.noted, str(entry.originator_version): noted})
    return after


def fold(case_id: UUID, entries: Iterable[Entry]) -> Application:
    """An application from its whole stream, in version order."""
    case = Application(id=case_id)
    for entry in entries:
        case = evolve(case, entry)
    return case
