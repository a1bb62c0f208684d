"""Events as they were shipped first, and what each means today: their rows stay, and are read as the new ones."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from grantflow.domain.decision import ApplicationGranted, Confirmations
from grantflow.domain.drafting import ApplicationStarted, DeadlineTerms
from grantflow.domain.event import Event
from grantflow.domain.followup import ReminderSent
from grantflow.domain.frame import FrameAdjusted, FrameCommitted, FrameOpened
from grantflow.domain.letters import LetterIssued
from grantflow.domain.money import Ore
from grantflow.domain.parts import Grounds, Instalment, LaterYear, Organisation, SpecialCondition
from grantflow.domain.payment import PaymentAttested, PaymentAuthorised, PaymentConfirmed


class FirstDeadlineTerms(msgspec.Struct, frozen=True, omit_defaults=True):
    """A deadline before one could bind the authority."""

    id: str
    limit: datetime
    passed: str
    states: tuple[str, ...]
    reminders: tuple[datetime, ...] = ()
    follow_ups: tuple[datetime, ...] = ()


class FirstApplicationStarted(Event, frozen=True, kw_only=True):
    """An application begun when calls had no areas."""

    topic = "application-started@1"

    call: str
    definition: str
    authority: str
    applicant: Organisation
    deadlines: tuple[FirstDeadlineTerms, ...]

    def upcast(self) -> Event:
        return ApplicationStarted(
            call=self.call,
            definition=self.definition,
            authority=self.authority,
            applicant=self.applicant,
            deadlines=tuple(msgspec.convert(msgspec.to_builtins(d), DeadlineTerms) for d in self.deadlines),
            stamp=self.stamp,
        )


class FirstSpecialCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A condition when none could block a payment."""

    id: str
    text: str
    due: date


class FirstApplicationGranted(Event, frozen=True, kw_only=True):
    """A grant that was always paid at once."""

    topic = "application-granted@1"

    amount_ore: Ore
    grounds: Grounds
    confirmations: Confirmations
    conditions: tuple[FirstSpecialCondition, ...] = ()
    later_years: tuple[LaterYear, ...] = ()

    def upcast(self) -> Event:
        return ApplicationGranted(
            amount_ore=self.amount_ore,
            grounds=self.grounds,
            confirmations=self.confirmations,
            conditions=tuple(SpecialCondition(c.id, c.text, c.due) for c in self.conditions),
            instalments=(Instalment(self.amount_ore),),
            later_years=self.later_years,
            stamp=self.stamp,
        )


class FirstLetterIssued(Event, frozen=True, kw_only=True):
    """A letter recorded by its blocks alone, before its text was put together."""

    topic = "letter-issued@1"

    language: str
    blocks: dict[str, str]
    reservations: dict[str, str]
    signed_by: str

    def upcast(self) -> Event:
        granted = "purpose" in self.blocks
        return LetterIssued(
            kind="grant" if granted else "rejection",
            language=self.language,
            blocks=self.blocks,
            reservations=self.reservations,
            text="\n\n".join([*self.blocks.values(), *self.reservations.values()]),
            signed_by=self.signed_by,
            stamp=self.stamp,
        )


class FirstPaymentAttested(Event, frozen=True, kw_only=True):
    """An attestation of the whole grant."""

    topic = "payment-attested@1"

    amount_ore: Ore
    account: str

    def upcast(self) -> Event:
        return PaymentAttested(
            instalment=1, amount_ore=self.amount_ore, account=self.account, stamp=self.stamp
        )


class FirstPaymentAuthorised(Event, frozen=True, kw_only=True):
    """An order for the whole grant."""

    topic = "payment-authorised@1"

    amount_ore: Ore
    account: str

    def upcast(self) -> Event:
        return PaymentAuthorised(
            instalment=1, amount_ore=self.amount_ore, account=self.account, stamp=self.stamp
        )


class FirstPaymentConfirmed(Event, frozen=True, kw_only=True):
    """The whole grant, paid."""

    topic = "payment-confirmed@1"

    amount_ore: Ore
    account: str
    bank_reference: str

    def upcast(self) -> Event:
        return PaymentConfirmed(
            instalment=1,
            amount_ore=self.amount_ore,
            account=self.account,
            bank_reference=self.bank_reference,
            stamp=self.stamp,
        )


class FirstReminderSent(Event, frozen=True, kw_only=True):
    """A reminder when only applicants were reminded."""

    topic = "reminder-sent@1"

    deadline: str
    limit: datetime
    due_at: datetime
    to: Literal["applicant"] = "applicant"

    def upcast(self) -> Event:
        return ReminderSent(
            deadline=self.deadline, limit=self.limit, due_at=self.due_at, to=self.to, stamp=self.stamp
        )


class FirstFrameOpened(Event, frozen=True, kw_only=True):
    """A frame without parts."""

    topic = "frame-opened@1"
    stream = "frame"

    call: str
    limit_ore: Ore

    def upcast(self) -> Event:
        return FrameOpened(call=self.call, limit_ore=self.limit_ore, stamp=self.stamp)


class FirstFrameCommitted(Event, frozen=True, kw_only=True):
    """A commitment in a frame without parts."""

    topic = "frame-committed@1"
    stream = "frame"

    case: UUID
    amount_ore: Ore
    committed_ore: Ore
    left_ore: Ore

    def upcast(self) -> Event:
        return FrameCommitted(
            case=self.case,
            amount_ore=self.amount_ore,
            committed_ore=self.committed_ore,
            left_ore=self.left_ore,
            stamp=self.stamp,
        )


class FirstFrameAdjusted(Event, frozen=True, kw_only=True):
    """Another limit for a frame without parts."""

    topic = "frame-adjusted@1"
    stream = "frame"

    call: str
    limit_ore: Ore
    previous_ore: Ore
    committed_ore: Ore
    left_ore: Ore

    def upcast(self) -> Event:
        return FrameAdjusted(
            call=self.call,
            limit_ore=self.limit_ore,
            previous_ore=self.previous_ore,
            committed_ore=self.committed_ore,
            left_ore=self.left_ore,
            stamp=self.stamp,
        )
