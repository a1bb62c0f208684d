"""A call as its folder declares it: money, deadlines, criteria, rules, forms, and the process its cases follow."""

from __future__ import annotations

import copy
import tomllib
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from grantflow.domain.calendar import OSLO, end_of_day, start_of_day
from grantflow.domain.call_file import (
    APPLICATION_FORM,
    REPORT_FORM,
    CallFile,
    Criterion,
    DeadlineFile,
    LettersFile,
    Stage,
    Theme,
)
from grantflow.domain.digest import digest_of
from grantflow.domain.forms import Form
from grantflow.domain.money import Ore, ore
from grantflow.domain.notice_rules import NOTICES, Notices, notice_files
from grantflow.domain.process import Process, ProcessFile
from grantflow.domain.reading import Consultation, DefinitionError, Facts
from grantflow.domain.register import Register
from grantflow.domain.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from grantflow.domain.errors import Failure
    from grantflow.domain.reading import Reading

CALL, PROCESS, LETTERS = "call.toml", "process.toml", "letters.toml"
REGISTERS = MUNICIPALITIES, DISTRICTS, COUNTIES, LANGUAGE_FORMS = (
    "registers/municipalities.csv",
    "registers/districts.csv",
    "registers/counties.csv",
    "registers/language-forms.csv",
)

KEPT_CHARACTERS = 1_000_000
"""How large a definition that was read may be and still be kept for the next time it is asked for."""
REMINDER_HOUR = timedelta(hours=9)
"""Reminders go out at nine in the morning in Oslo."""


class Deadline(msgspec.Struct, frozen=True):
    """A deadline at its instants (UTC). `limit` is the first that is too late."""

    id: str
    name: dict[str, str]
    day: date
    limit: datetime
    steps: tuple[str, ...]
    passed: str
    late: str
    binds: str
    states: tuple[str, ...]
    areas: tuple[str, ...]
    stages: tuple[str, ...]
    reminders: tuple[datetime, ...]
    follow_ups: tuple[datetime, ...]

    @classmethod
    def of(cls, declared: DeadlineFile) -> Deadline:
        """The instants that a declared date implies."""
        day, hour = declared.date, declared.hour
        limit = datetime.combine(day, hour, OSLO).astimezone(start_of_day(day).tzinfo) if hour else None
        return cls(
            id=declared.id,
            name=declared.name,
            day=day,
            limit=limit or end_of_day(day),
            steps=declared.steps,
            passed=declared.passed,
            late=declared.late,
            binds=declared.binds,
            states=declared.states,
            areas=declared.areas,
            stages=declared.stages,
            reminders=tuple(
                start_of_day(day - timedelta(days=n)) + REMINDER_HOUR
                for n in sorted(declared.reminders_days_before, reverse=True)
            ),
            follow_ups=tuple(
                start_of_day(day + timedelta(days=n)) + REMINDER_HOUR
                for n in sorted(declared.follow_ups_days_after)
            ),
        )


_Declared = TypeVar("_Declared", Criterion, Theme, Deadline)


class Call:
    """A definition ready for use. Built from its files alone, so the same digest always gives the same rules.

    As it is built, it is the whole call. `within` gives it as it is for one application.
    """

    area = ""
    """The area that this is the call for; empty for the call as a whole, and where it has no areas."""

    def __init__(self, files: Mapping[str, str]) -> None:
        declared = msgspec.convert(tomllib.loads(files[CALL]), CallFile)
        process = msgspec.convert(tomllib.loads(files[PROCESS]), ProcessFile)
        missing = [name for name in files_of(declared, process, files.get(NOTICES)) if name not in files]
        if missing:
            msg = f"the definition lacks {', '.join(missing)}"
            raise ValueError(msg)
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
        self.authority, self.appropriation = declared.authority, declared.appropriation
        self.assessors, self.assumptions = declared.assessors, declared.assumptions
        self.criteria, self.themes = declared.criteria, declared.themes
        self.areas = {area.id: area for area in declared.areas}
        self.stages = {stage.id: stage for stage in stages_of(declared)}
        self.stage = next(iter(self.stages))
        self.attachments, self.letter = declared.attachments, declared.letter
        self.legal_regime, self.payments = declared.legal_regime, declared.payments
        self.state_aid = declared.state_aid
        self.deadlines = {deadline.id: Deadline.of(deadline) for deadline in declared.deadlines}
        self.process = Process(process)
        self.register = Register.read(*(files[name] for name in REGISTERS))
        self.forms = {name: Form(name, files[name]) for name in forms_of(declared, process)}
        self.letters = (
            msgspec.convert(tomllib.loads(files[LETTERS]), LettersFile) if LETTERS in files else None
        )
        self.notices = Notices(files) if NOTICES in files else None
        self.rules = declared.rules
        self._rules = Rules(declared.rules)
        self.facts = Facts(declared.application, declared.reporting, self.register)
        self.consultation = Consultation(declared.consultation) if declared.consultation else None
        self.whole = self
        self._within: dict[tuple[str, str], Call] = {}

    @classmethod
    def read(cls, files: Mapping[str, str]) -> Call:
        """A call from its files; the one that was read from the same files lately. DefinitionError when it is none."""
        missing = [name for name in (CALL, PROCESS, *REGISTERS) if name not in files]
        if missing:
            msg = f"The definition lacks {', '.join(missing)}."
            raise DefinitionError(msg)
        unfit = [name for name, text in files.items() if "\0" in text]
        if unfit:
            msg = f"{', '.join(unfit)} holds a character that can't be stored (NUL)."
            raise DefinitionError(msg)
        try:
            small = sum(map(len, files.values())) <= KEPT_CHARACTERS
            return _read(tuple(files.items())) if small else cls(files)
        except (ValueError, KeyError, TypeError) as error:
            msg = f"The definition can't be used: {error}"
            raise DefinitionError(msg) from error

    def within(self, area: str, stage: str = "") -> Call:
        """The call as it is for an application in this area, at this stage (the first one unless said).

        Its criteria, themes, rules, deadlines, form and process are those that hold there.
        """
        key = area, stage or next(iter(self.stages))
        if key not in self._within:
            self._within[key] = _narrowed(self.whole, *key)
        return self._within[key]

    @property
    def application_form(self) -> Form:
        """The form that applications are made on, at this stage."""
        return self.forms[self.stages[self.stage].form]

    @property
    def report_form(self) -> Form:
        """The form of report and accounts. DefinitionError when the call asks for none."""
        if REPORT_FORM not in self.forms:
            msg = f"{self.id} asks for no report."
            raise DefinitionError(msg)
        return self.forms[REPORT_FORM]

    def sub_frame(self, area: str) -> Ore | None:
        """An area's part of the frame, in øre; None when it has none of its own."""
        declared = self.areas.get(area)
        return ore(declared.frame) if declared and declared.frame else None

    def limit(self, deadline: str) -> datetime:
        """The first instant that is too late for a deadline of the call (UTC)."""
        return self.deadlines[deadline].limit

    def deadlines_of(self, step: str) -> tuple[Deadline, ...]:
        """The deadlines that bound a step, the earliest first."""
        bounding = [deadline for deadline in self.deadlines.values() if step in deadline.steps]
        return tuple(sorted(bounding, key=lambda deadline: deadline.limit))

    def failures(self, step: str, content: Mapping[str, Any], at: datetime) -> tuple[Failure, ...]:
        """The declared rules of a step that do not hold for this content at this instant."""
        return self.unmet(step, self.facts.of(content, at))

    def has_rules(self, step: str) -> bool:
        """Whether there are declared rules of a step, wherever they hold."""
        return self._rules.has(step)

    def facts_asked(self, step: str) -> frozenset[str]:
        """The facts of the case itself that the declared rules of a step ask for."""
        return self._rules.facts(step)

    def unmet(self, step: str, reads: Reading) -> tuple[Failure, ...]:
        """The declared rules of a step that do not hold for content that reads like this."""
        return self._rules.failures(step, reads.context, area=self.area, stage=self.stage)


@lru_cache(maxsize=8)
def _read(files: tuple[tuple[str, str], ...]) -> Call:
    return Call(dict(files))


def _narrowed(call: Call, area: str, stage: str) -> Call:
    narrowed = copy.copy(call)
    narrowed.area, narrowed.stage = area, stage
    narrowed.criteria = tuple(_holding(call.criteria, area, stage))
    narrowed.themes = tuple(_holding(call.themes, area, stage))
    narrowed.deadlines = {one.id: one for one in _holding(call.deadlines.values(), area, stage)}
    narrowed.process = call.process.within(area)
    return narrowed


def stages_of(declared: CallFile) -> tuple[Stage, ...]:
    """The stages of a call: those it declares, or the only one there is."""
    return declared.stages or (Stage("application", declared.name),)


def forms_of(declared: CallFile, process: ProcessFile) -> tuple[str, ...]:
    """The forms of a call: one a stage, one for the report where there is a step for it, one a declared step."""
    reports = [REPORT_FORM for step in process.steps if step.id == "submit-report"]
    stages = [stage.form for stage in stages_of(declared)]
    return tuple(
        dict.fromkeys([*stages, *reports, *(step_form(step.form) for step in process.steps if step.form)])
    )


def step_form(name: str) -> str:
    """The file that holds the form of a declared step."""
    return f"forms/{name}.schema.json"


def files_of(declared: CallFile, process: ProcessFile, notices: str | None = None) -> tuple[str, ...]:
    """The files that a definition is made of, beside the process and the registers: what its digest addresses.

    `notices` is the text of its notices.toml, where it has one.
    """
    letters = [LETTERS for step in process.steps if step.id == "issue-letter"]
    told = () if notices is None else (NOTICES, *notice_files(notices))
    return (CALL, *forms_of(declared, process), *letters, *told)


def _holding(declared: Iterable[_Declared], area: str, stage: str) -> Iterable[_Declared]:
    for one in declared:
        stages = () if isinstance(one, Theme) else one.stages
        if (not one.areas or area in one.areas) and (not stages or stage in stages):
            yield one


__all__ = ["APPLICATION_FORM", "REPORT_FORM", "Call", "Deadline", "DefinitionError"]
