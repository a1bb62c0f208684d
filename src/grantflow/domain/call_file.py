"""What a call's files may say: call.toml and letters.toml, key by key, as they are written."""

from __future__ import annotations

from datetime import date
from datetime import time as clock_time
from typing import Literal

import msgspec

from grantflow.domain.rules import Rule

APPLICATION_FORM, REPORT_FORM = "application.schema.json", "report.schema.json"

Kind = Literal["municipality", "county"]
"""Who can apply: municipalities (kommuner), county authorities (fylkeskommuner)."""
Words = dict[str, str]
"""A text by language: `nb` and `nn` always, `en` where there is one."""


class Area(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A priority area (satsingsområde) of the call: who may apply in it, and its part of the frame, if it has one."""

    id: str
    name: Words
    source: str
    applicants: tuple[Kind, ...]
    frame: str = ""


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stage that applications go through, with its form. The first one is where a case begins."""

    id: str
    name: Words
    form: str = APPLICATION_FORM


class DeadlineFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A deadline as declared: a date, which runs to the end of that day in Oslo or to the `time` it names.

    What comes at that instant or later is late. `states` are those in which a case waits for it: from which the clock
    acts when it has passed (unless said, those from which the process lets the clock act). `binds` says who is to act:
    the applicant, or the authority that has promised an answer.
    """

    id: str
    name: Words
    source: str
    date: date
    steps: tuple[str, ...]
    passed: Literal["lapse", "overdue"]
    late: Literal["refuse", "accept"]
    hour: clock_time | None = msgspec.field(default=None, name="time")
    binds: Literal["applicant", "authority"] = "applicant"
    states: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    reminders_days_before: tuple[int, ...] = ()
    follow_ups_days_after: tuple[int, ...] = ()


class Criterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an assessor gives points on: whole points from `minimum` to `maximum`; weights add up to 100."""

    id: str
    name: Words
    weight: int
    minimum: int
    maximum: int
    source: str
    areas: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()


class Theme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A coded theme an application can name (R18)."""

    id: str
    name: Words
    source: str
    areas: tuple[str, ...] = ()


class ApplicationFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the engine reads a submitted form: a CEL expression for each fact it needs. Amounts are øre (`money(...)`).

    What is left out has no part in the call: no own contribution, no partners, no exemption to wait for.
    """

    title: str
    asked: str
    eligible: str
    own_contribution: str = ""
    participants: str = ""
    partners: str = ""
    themes: str = ""
    district: str = ""
    exemption_needed: str = ""
    starts_on: str = ""
    ends_on: str = ""


class AttachmentLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which documents may stand beside the form: media types, bytes each, and how many."""

    types: tuple[str, ...]
    max_bytes: int
    max_count: int


class LetterRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The blocks and reservations without which a grant letter is refused (R34)."""

    blocks: tuple[str, ...]
    reservations: tuple[str, ...]
    source: str


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A block of a letter: its heading, and its standard text where there is one (`$amount`, `$title`, …)."""

    heading: str
    text: str = ""


class LetterText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of letter in one language: its title, its blocks, and the reservations that close it."""

    title: str
    blocks: dict[str, Block]
    reservations: dict[str, str] = {}


Letter = dict[Literal["nb", "nn"], LetterText]


class LettersFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """letters.toml: the letters a call issues, each in bokmål and nynorsk (språklova §§ 14, 15)."""

    grant: Letter
    rejection: Letter
    dismissal: Letter = {}
    reversal: Letter = {}


class ConsultationFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A body whose statement is needed when the condition holds (R30)."""

    body: str
    require: str
    source: str


class Assumption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An ambiguity of the call's text and how it is settled (R35)."""

    id: str
    question: str
    settled: str
    source: str


class LegalRegime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of the act's rules hold for this call's decisions (R29).

    With `appeal`, a complaint is one that the `appeal_body` decides in the end, if it comes within `appeal_days` of the
    letter (fvl § 29); without, it is looked at as a wish for reversal. `prior_notice` (fvl § 16) and `grounds`
    (fvl §§ 24, 25) say whether those are required.
    """

    appeal: bool
    prior_notice: bool
    grounds: bool
    source: str
    appeal_days: int = 21
    appeal_body: str = ""


class Payments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how many days a changed account is looked at twice: a payment to it says how the change was checked."""

    flag_account_changes_days: int
    source: str


class StateAid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a state-aid assessment must stand in the case before a grant (bestemmelser om økonomistyring 6.1)."""

    required: bool
    source: str


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how many years bookings and delegations are kept (bestemmelser 4.4.10)."""

    bookings_years: int
    delegations_years: float
    source: str


class Reporting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who reports, and why, when the rule of proportion says otherwise (bestemmelser 6.4.1).

    `booked` is a CEL expression over `report` and `accounts`: the eligible expenses booked, in øre.
    """

    everyone: bool
    reason: str
    source: str
    booked: str


class CallFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """call.toml, as it is written."""

    id: str
    name: Words
    scheme: str
    source: str
    year: int
    frame: str
    appropriation: str
    authority: str
    authority_name: str
    process: str
    assessors: int
    application: ApplicationFacts
    deadlines: tuple[DeadlineFile, ...]
    criteria: tuple[Criterion, ...]
    rules: tuple[Rule, ...]
    attachments: AttachmentLimits
    letter: LetterRules
    legal_regime: LegalRegime
    retention: Retention
    themes: tuple[Theme, ...] = ()
    areas: tuple[Area, ...] = ()
    stages: tuple[Stage, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    reporting: Reporting | None = None
    consultation: ConsultationFile | None = None
    payments: Payments | None = None
    state_aid: StateAid | None = None
