"""What is answered: the shapes that OpenAPI describes, with money as decimal strings and instants with an offset."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

import msgspec

if TYPE_CHECKING:
    from grantflow.receipts import Receipt

T = TypeVar("T")
Money = str
"""Kroner with two digits of øre, such as `250000.00`."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Part of a list; `next` is the cursor of the next part, null at the end."""

    items: list[T]
    next: str | None = None


class ReceiptView(msgspec.Struct, frozen=True):
    """Proof for the caller: which event of which stream, where in the log, its SHA-256 as stored, the state after."""

    stream: UUID
    event: str
    position: int
    digest: str
    state: str
    version: int
    recorded_at: datetime

    @classmethod
    def of(cls, receipt: Receipt) -> ReceiptView:
        """A receipt as it is given out."""
        return cls(
            receipt.case,
            receipt.event,
            receipt.position,
            receipt.digest,
            receipt.state,
            receipt.version,
            receipt.recorded_at,
        )


class ApplicantView(msgspec.Struct, frozen=True):
    """Who applies: nine digits, and the name in the register at that time."""

    number: str
    name: str


class CaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A case in a list. `asked`, `granted` and `paid` are kroner."""

    id: UUID
    number: str
    call: str
    area: str
    stage: str
    applicant: ApplicantView
    partners: list[str]
    title: str | None
    state: str
    version: int
    asked: Money
    granted: Money
    paid: Money
    started_at: datetime
    changed_at: datetime


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """A case as it stands, or stood. `content_digest` is what a director approves; `file` is all else that is known."""

    id: UUID
    number: str | None
    call: str
    definition: str
    area: str
    stage: str
    state: str
    version: int
    recorded_at: datetime | None
    applicant: ApplicantView
    partners: list[str]
    title: str
    content: dict[str, Any]
    content_digest: str
    file: dict[str, Any]


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a case: what, when, who, in which role, on what authority; `says` is one sentence in English."""

    event: str
    position: int
    version: int
    type: str
    step: str
    state: str
    says: str
    recorded_at: datetime
    effective_at: datetime | None
    person: str
    organisation: str
    role: str
    authority: str | None
    channel: str
    facts: dict[str, Any]


class ChangeView(msgspec.Struct, frozen=True):
    """A field that differs: its dotted path, and its value before and after (null: not there)."""

    path: str
    before: Any
    after: Any


class RefusedNow(msgspec.Struct, frozen=True):
    """Why a step is not open now."""

    code: str
    detail: str


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """A step the caller's role may take from here: where it leads, whether it is open now, and what it asks for."""

    step: str
    name: dict[str, str]
    leads_to: str
    roles: list[str]
    open: bool
    refused: RefusedNow | None
    schema: dict[str, Any]


class CallRow(msgspec.Struct, frozen=True):
    """A published call; `digest` is its definition in force."""

    id: str
    names: dict[str, str]
    year: int
    frame: Money
    digest: str
    recorded_at: datetime


class MoneyView(msgspec.Struct, frozen=True):
    """A call's money: what it may come to, what is committed, and what can still be granted, in all and by area."""

    frame: Money
    committed: Money
    left: Money
    areas: dict[str, Money]


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """A call: its definition in force, as declared, and the questions that were answered for all.

    `money` is for those who decide and for auditors; null for others, who would read decisions out of it.
    """

    id: str
    digest: str
    revisions: list[str]
    declared: dict[str, Any]
    answers: list[dict[str, Any]]
    money: MoneyView | None


class QuestionView(msgspec.Struct, frozen=True):
    """A question of the auditor's; where `breaches`, each row is one."""

    number: int
    name: str
    asks: str
    law: str
    columns: list[str]
    breaches: bool


class AnswerRow(msgspec.Struct, frozen=True):
    """One row of an answer, and the events that prove it."""

    found: dict[str, Any]
    events: list[str]


class AnswerView(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: its rows, and what was examined."""

    question: str
    scope: str
    items: list[AnswerRow]
    next: str | None = None
