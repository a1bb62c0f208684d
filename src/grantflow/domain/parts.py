"""What a case is made of, as its history tells it: who applies, what was approved, decided, paid and reported."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from grantflow.domain.money import Ore


class Organisation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A municipality or county as the register knew it at the instant: numbers change, the case keeps what was true."""

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


class DeclaredStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step of the call's own, as last taken: what was filled in, by whom, on which content of the application."""

    about: str
    person: str
    at: datetime
    content: dict[str, Any] = {}


class EarlierStage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stage that the case has left: what was submitted in it, and how it was assessed."""

    stage: str
    submitted: str = ""
    score: Decimal | None = None


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


class StateAid(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether the award would be state aid, and on which ground it may be given (bestemmelser 6.1)."""

    conclusion: str
    grounds: str
    person: str


class Grounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a decision was made: the rule, the facts, the main considerations (fvl § 25)."""

    rule: str
    facts: str
    considerations: str


class SpecialCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A condition for this one project (R14): what, and by which day the municipality must show it.

    While a `blocking` one is neither met nor waived, nothing is paid that waits for it.
    """

    id: str
    text: str
    due: date
    blocking: bool = False


class Instalment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of the grant, in øre: paid from the day `due`, and once the `condition` it waits for is met or waived."""

    amount_ore: Ore
    due: date | None = None
    condition: str = ""


class LaterYear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An intention for a later year, never a commitment: it depends on the Storting's appropriation (R19)."""

    year: int
    amount_ore: Ore


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decision (vedtak): its outcome, amount, grounds, conditions, and who had the authority."""

    outcome: str
    person: str
    at: datetime
    grounds: Grounds
    amount_ore: Ore = 0
    authority: str = ""
    conditions: tuple[SpecialCondition, ...] = ()
    instalments: tuple[Instalment, ...] = ()
    later_years: tuple[LaterYear, ...] = ()


class ConditionOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a special condition ended: `met` with its evidence, or `waived` with the reason."""

    outcome: str
    why: str
    person: str
    at: datetime


class Reversal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decision that was reversed (omgjort): which, in which of the cases of fvl § 35, and whether that was told."""

    outcome: str
    case_of_35: str
    person: str
    at: datetime
    grounds: Grounds
    authority: str = ""
    told: bool = False


class Notice(msgspec.Struct, frozen=True, omit_defaults=True):
    """Prior notice of a decision to the party's detriment (fvl § 16): of what, until when to answer, and the answer."""

    what: str
    reason: str
    answer_limit: datetime
    answer: str = ""


class Complaint(msgspec.Struct, frozen=True, omit_defaults=True):
    """A complaint and its answer. Without appeal it is looked at as a wish for reversal (R29)."""

    number: int
    text: str
    received_on: date
    in_time: bool
    outcome: str = ""
    answer: str = ""


class Exemption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ministry's time-limited exemption (introduction act § 27, integration act § 38), by its reference."""

    reference: str
    decided_by: str
    valid_from: date
    valid_to: date


class AccountOnRecord(msgspec.Struct, frozen=True):
    """The recipient's account from an instant on, and who registered it."""

    account: str
    person: str
    since: datetime


class Payment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A payment on its way: what was attested, to which account, and how far it has come."""

    amount_ore: Ore
    account: str
    attested_by: str
    instalment: int = 1
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


class Noted(msgspec.Struct, frozen=True):
    """A fact from outside that may have been written down wrongly: the event it stands in, as it was stored."""

    topic: str
    event: dict[str, Any]


class Correction(msgspec.Struct, frozen=True):
    """An entry that corrects an earlier one: which event of the case, which field, and why. Both stay."""

    corrects: int
    field: str
    before: str
    after: str
    reason: str
    person: str
