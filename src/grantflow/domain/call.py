"""A call as its folder declares it: money, deadlines, criteria, rules, forms, and the process its cases follow."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from grantflow.domain.calendar import end_of_day, start_of_day
from grantflow.domain.digest import digest_of
from grantflow.domain.errors import Refused
from grantflow.domain.forms import Form
from grantflow.domain.money import Ore, ore
from grantflow.domain.process import Process, ProcessFile
from grantflow.domain.register import Register
from grantflow.domain.rules import Condition, Rule, Rules, context_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grantflow.domain.errors import Failure

CALL, PROCESS = "call.toml", "process.toml"
APPLICATION_FORM, REPORT_FORM = "application.schema.json", "report.schema.json"
MUNICIPALITIES, DISTRICTS = "registers/municipalities.csv", "registers/districts.csv"
FILES = (CALL, PROCESS, APPLICATION_FORM, REPORT_FORM, MUNICIPALITIES, DISTRICTS)
"""The files a definition is made of; together they are what a digest addresses."""

REMINDER_HOUR = timedelta(hours=9)
"""Reminders go out at nine in the morning in Oslo."""


class DefinitionError(Refused):
    """The files are not a definition; `grantflow call check` says where."""

    code = "definition-broken"
    status = 422


class DeadlineFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A deadline as declared: a date, which runs to the end of that day in Oslo."""

    id: str
    name: dict[str, str]
    source: str
    date: date
    steps: tuple[str, ...]
    passed: Literal["lapse", "overdue"]
    late: Literal["refuse", "accept"]
    reminders_days_before: tuple[int, ...] = ()
    follow_ups_days_after: tuple[int, ...] = ()


class Criterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an assessor gives points on: whole points from `minimum` to `maximum`; weights add up to 100."""

    id: str
    name: dict[str, str]
    weight: int
    minimum: int
    maximum: int
    source: str


class Theme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A coded theme an application can name (R18)."""

    id: str
    name: dict[str, str]
    source: str


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
    """Which of the act's rules hold for this call's decisions (R29)."""

    appeal: bool
    prior_notice: bool
    grounds: bool
    source: str


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how many years bookings and delegations are kept (bestemmelser 4.4.10)."""

    bookings_years: int
    delegations_years: float
    source: str


class Reporting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether everyone reports, and why, when the rule of proportion says otherwise (bestemmelser 6.4.1)."""

    everyone: bool
    reason: str
    source: str


class CallFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """call.toml, as it is written."""

    id: str
    name: dict[str, str]
    scheme: str
    source: str
    year: int
    frame: str
    authority: str
    process: str
    assessors: int
    deadlines: tuple[DeadlineFile, ...]
    criteria: tuple[Criterion, ...]
    themes: tuple[Theme, ...]
    rules: tuple[Rule, ...]
    attachments: AttachmentLimits
    letter: LetterRules
    legal_regime: LegalRegime
    retention: Retention
    reporting: Reporting
    assumptions: tuple[Assumption, ...] = ()
    consultation: ConsultationFile | None = None


class Deadline(msgspec.Struct, frozen=True):
    """A deadline at its instants (UTC). `limit` is the first that is too late."""

    id: str
    name: dict[str, str]
    day: date
    limit: datetime
    steps: tuple[str, ...]
    passed: str
    late: str
    reminders: tuple[datetime, ...]
    follow_ups: tuple[datetime, ...]

    @classmethod
    def of(cls, declared: DeadlineFile) -> Deadline:
        """The instants that a declared date implies."""
        day = declared.date
        return cls(
            declared.id,
            declared.name,
            day,
            end_of_day(day),
            declared.steps,
            declared.passed,
            declared.late,
            tuple(
                start_of_day(day - timedelta(days=n)) + REMINDER_HOUR
                for n in sorted(declared.reminders_days_before, reverse=True)
            ),
            tuple(
                start_of_day(day + timedelta(days=n)) + REMINDER_HOUR
                for n in sorted(declared.follow_ups_days_after)
            ),
        )


class Consultation:
    """A statement that some applications need, and the condition that says which."""

    def __init__(self, declared: ConsultationFile, register: Register) -> None:
        self.body = declared.body
        self._condition = Condition(declared.require)
        self._register = register

    def required(self, content: Mapping[str, Any], at: datetime) -> bool:
        """Whether an application with this content needs the statement."""
        return self._condition.holds(context_of(content, self._register, at))


class Call:
    """A definition ready for use. Built from its files alone, so the same digest always gives the same rules."""

    def __init__(self, files: Mapping[str, str]) -> None:
        declared = msgspec.convert(tomllib.loads(files[CALL]), CallFile)
        self.files = dict(files)
        self.digest = digest_of(self.files)
        self.declared = declared
        self.id, self.names, self.scheme, self.year = (
            declared.id,
            declared.name,
            declared.scheme,
            declared.year,
        )
        self.frame: Ore = ore(declared.frame)
        self.authority = declared.authority
        self.assessors = declared.assessors
        self.criteria, self.themes, self.assumptions = (
            declared.criteria,
            declared.themes,
            declared.assumptions,
        )
        self.attachments, self.letter = declared.attachments, declared.letter
        self.deadlines = {deadline.id: Deadline.of(deadline) for deadline in declared.deadlines}
        self.process = Process(msgspec.convert(tomllib.loads(files[PROCESS]), ProcessFile))
        self.register = Register.read(files[MUNICIPALITIES], files[DISTRICTS])
        self.application_form = Form(APPLICATION_FORM, files[APPLICATION_FORM])
        self.report_form = Form(REPORT_FORM, files[REPORT_FORM])
        self.rules = declared.rules
        self._rules = Rules(declared.rules, self.register)
        self.consultation = (
            Consultation(declared.consultation, self.register) if declared.consultation else None
        )
        self._deadline_of = {step: d for d in self.deadlines.values() for step in d.steps}

    @classmethod
    def read(cls, files: Mapping[str, str]) -> Call:
        """A call from its files. DefinitionError when they are not one."""
        missing = [name for name in FILES if name not in files]
        if missing:
            msg = f"The definition lacks {', '.join(missing)}."
            raise DefinitionError(msg)
        unfit = [name for name, text in files.items() if "\0" in text]
        if unfit:
            msg = f"{', '.join(unfit)} holds a character that can't be stored (NUL)."
            raise DefinitionError(msg)
        try:
            return cls(files)
        except (ValueError, KeyError, TypeError) as error:
            msg = f"The definition can't be used: {error}"
            raise DefinitionError(msg) from error

    def limit(self, deadline: str) -> datetime:
        """The first instant that is too late for a deadline of the call (UTC)."""
        return self.deadlines[deadline].limit

    def deadline_of(self, step: str) -> Deadline | None:
        """The deadline that bounds a step, if any."""
        return self._deadline_of.get(step)

    def failures(self, step: str, content: Mapping[str, Any], at: datetime) -> tuple[Failure, ...]:
        """The declared rules of a step that do not hold for this content at this instant."""
        return self._rules.failures(step, content, at)
