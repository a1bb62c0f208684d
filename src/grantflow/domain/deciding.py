"""How a command becomes events: who may, from which state, by which rules; then what happened."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from grantflow.domain.application import Application
from grantflow.domain.calendar import clock, end_of_day
from grantflow.domain.call import Call, Deadline
from grantflow.domain.errors import (
    BadRequest,
    ClockBehind,
    Disqualified,
    Failure,
    ImpartialityNotDeclared,
    NotFound,
    NotTheAuthority,
    NotYourCase,
    PastDeadline,
    RoleNotAllowed,
    RulesFailed,
    SamePerson,
    StepNotAllowed,
)
from grantflow.domain.event import Event, Stamp
from grantflow.domain.frame import Frame
from grantflow.domain.money import Ore, ore
from grantflow.domain.plain import oddity, storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.process import Step

MUNICIPAL = frozenset({"applicant", "director", "project-lead", "superior"})
MACHINES = frozenset({"clock", "integration"})
"""Roles without a person behind them: nobody's kin, so they declare nothing (fvl §§ 6-10)."""
DIRECTORATE = MACHINES | {"case-officer", "assessor", "decider", "attestant", "payer", "call-manager"}
CLOCK_TOLERANCE = timedelta(seconds=5)
"""Two machines' clocks may differ by this much; the later instant is then recorded, so a case never runs back."""

LONGEST_NAME = 200
"""The most characters a person, organisation, role, channel or idempotency key may have."""
FIRST_YEAR, LAST_YEAR = 1900, 2200
"""Every day that somebody names lies in these years."""

COMMANDS: dict[str, type[Command]] = {}
"""Every step the engine can take, by the name the process uses."""


class Circumstances(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who asks, when, and how it reached us. Never part of the command's own content.

    `at` is the instant the command was received (UTC) and decides deadlines; `command` is its idempotency key.
    """

    at: datetime
    person: str
    organisation: str
    role: str
    channel: str
    command: str
    authority: str | None = None
    effective_at: datetime | None = None

    @property
    def key(self) -> str:
        """The idempotency key in the whole system: the caller's own, within that caller."""
        return f"{self.person.replace('%', '%25').replace(':', '%3A')}:{self.command}"

    def __post_init__(self) -> None:
        """BadRequest when a name or key is empty, too long or can't be stored, or an instant lacks its offset."""
        for name in ("person", "organisation", "role", "channel", "command"):
            text = getattr(self, name)
            if not 0 < len(text) <= LONGEST_NAME or not text.isprintable() or not storable(text):
                msg = f"'{name}' must be 1 to {LONGEST_NAME} printable characters."
                raise BadRequest(msg)
        if self.authority is not None and not storable(self.authority):
            msg = "'authority' holds characters that can't be stored."
            raise BadRequest(msg)
        for name in ("at", "effective_at"):
            instant: datetime | None = getattr(self, name)
            if instant is not None and instant.tzinfo is None:
                msg = f"'{name}' has no offset from UTC; an instant reads like 2023-08-28T23:59:59+02:00."
                raise BadRequest(msg)


class Situation(msgspec.Struct, frozen=True):
    """All a decision may look at: the call's rules, the case so far, the frame, and the circumstances."""

    call: Call
    case: Application
    frame: Frame
    by: Circumstances
    step: str

    @property
    def at(self) -> datetime:
        """The instant that counts and is recorded: the command's, or the case's last if a clock is a little behind."""
        recorded = self.case.recorded_at
        return self.by.at if recorded is None else max(self.by.at, recorded)

    @property
    def target(self) -> str:
        """The state the process leads to by this step; StepNotAllowed where there is no arrow."""
        process = self.call.process
        target = process.target(self.step, self.case.state)
        if target is None:
            raise StepNotAllowed(self.step, self.case.state, process.steps_from(self.case.state))
        return target

    def stamp(self, *, state: str | None = None, authority: str | None = None) -> Stamp:
        """The stamp of an event of this command, leading to `state` (the step's own target unless said)."""
        by = self.by
        return Stamp(
            recorded_at=self.at.astimezone(UTC),
            step=self.step,
            person=by.person,
            organisation=by.organisation,
            role=by.role,
            channel=by.channel,
            command=by.command,
            state=state or self.target,
            authority=authority or by.authority,
            effective_at=by.effective_at,
        )


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody asks for in one step. Subclasses name their `step` and decide."""

    step: ClassVar[str] = ""
    money: ClassVar[bool] = False
    """Whether deciding reads the call's frame."""
    binary: ClassVar[frozenset[str]] = frozenset()
    """The fields that hold bytes (base64 in JSON) and may be as large as the call allows."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "step" in cls.__dict__:
            COMMANDS[cls.step] = cls

    def subject(self, case: Application) -> dict[str, Any]:
        """The content that the call's declared rules are asked about."""
        return dict(case.content)

    def documents(self) -> Sequence[tuple[str, str, bytes]]:
        """Documents to keep before the events are: (digest, media type, bytes)."""
        return ()

    def decide(self, s: Situation) -> Sequence[Event]:
        """The events this command leads to, or a refusal. Pure."""
        raise NotImplementedError


def command_from(step: str, data: dict[str, Any]) -> Command:
    """The command for `step` with its content checked for form; BadRequest says what is wrong and where."""
    kind = COMMANDS.get(step)
    if kind is None:
        msg = f"There is no step '{step}'. Steps: {', '.join(sorted(COMMANDS))}."
        raise NotFound(msg)
    odd = oddity({name: value for name, value in data.items() if name not in kind.binary})
    if odd is not None:
        msg = f"The content of '{step}' does not fit: {odd['en']}."
        raise BadRequest(msg, failures=(Failure(rule="content", message=odd),))
    try:
        return msgspec.convert(data, kind, strict=True)
    except (msgspec.ValidationError, ValueError) as error:
        msg = f"The content of '{step}' does not fit: {error}"
        raise BadRequest(msg) from error


def decide(s: Situation, command: Command) -> Sequence[Event]:
    """The one way a command is judged: admitted by the general rules first, then by its own."""
    admit(s)
    refuse_if(s.step, s.call.failures(s.step, {**command.subject(s.case), "facts": facts_of(s)}, s.at))
    return command.decide(s)


def admit(s: Situation) -> None:
    """May this person take this step in this case now? Raises the first refusal that applies."""
    step = s.call.process.steps.get(s.step)
    if step is None:
        msg = f"The process of {s.call.id} has no step '{s.step}'."
        raise NotFound(msg)
    _relation(s)
    if s.by.role not in step.roles:
        raise RoleNotAllowed(s.step, s.by.role, step.roles)
    _ = s.target
    if s.at - s.by.at > CLOCK_TOLERANCE:
        msg = (
            f"The case has recorded {clock(s.at)} already; this command's instant is "
            f"{clock(s.by.at)}. Check the clock of the machine that sent it."
        )
        raise ClockBehind(msg)
    _impartial(s, step)
    _four_eyes(s)
    _in_time(s)


def _relation(s: Situation) -> None:
    if s.by.role in MUNICIPAL and s.case.version and s.by.organisation != s.case.applicant.number:
        raise NotYourCase
    if s.by.role in DIRECTORATE and s.by.organisation != s.call.authority:
        msg = f"The role {s.by.role} belongs to the directorate behind the call ({s.call.authority})."
        raise NotTheAuthority(msg)


def _impartial(s: Situation, step: Step) -> None:
    if s.by.role not in DIRECTORATE or s.by.role in MACHINES:
        return
    conflict = s.case.conflicts.get(s.by.person)
    if conflict:
        raise Disqualified
    if conflict is None and step.impartial:
        raise ImpartialityNotDeclared


def _four_eyes(s: Situation) -> None:
    for apart in s.call.process.apart:
        if s.step in apart.steps:
            for other in apart.steps:
                if other != s.step and s.by.person in s.case.acts.get(other, ()):
                    raise SamePerson(s.step, other, apart.source)


def _in_time(s: Situation) -> None:
    deadline = s.call.deadline_of(s.step)
    if deadline is not None and deadline.late == "refuse":
        limit = s.case.limit(deadline.id, s.call)
        if s.at >= limit:
            raise PastDeadline(deadline.id, limit, s.at)


def refuse_if(step: str, failures: Sequence[Failure]) -> None:
    """RulesFailed with every failure, or nothing."""
    if failures:
        raise RulesFailed(step, tuple(failures))


def facts_of(s: Situation) -> dict[str, Any]:
    """What declared rules may ask of the case itself, beside its content."""
    case, decision = s.case, s.case.decision
    return {
        "applicant_organisation": case.applicant.number or s.by.organisation,
        "state": case.state,
        "year": s.call.year,
        "themes": [theme.id for theme in s.call.themes],
        "asked": case.asked_ore,
        "granted": decision.amount_ore if decision else 0,
        "conditions": [condition.id for condition in decision.conditions] if decision else [],
    }


WHEN_PASSED = {"lapse": "lapse", "overdue": "mark-overdue"}
"""The step the clock takes when a deadline has passed, by what the call declares of it."""


def waiting(s: Situation, deadline: Deadline) -> tuple[str, ...]:
    """The states in which a case waits for a deadline: those from which the clock may act when it has passed."""
    step = s.call.process.steps.get(WHEN_PASSED[deadline.passed])
    return tuple(step.moves) if step else ()


def end_of(day: date, what: str) -> datetime:
    """The first instant after a day that somebody has named, in UTC; BadRequest when it is out of all reason."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        msg = f"{what}: {day} is no day of any use here; name one from {FIRST_YEAR} to {LAST_YEAR}."
        raise BadRequest(msg)
    return end_of_day(day)


def amount(text: str, what: str) -> Ore:
    """The øre of a decimal string, above zero; BadRequest names the field."""
    try:
        value = ore(text)
    except ValueError as error:
        msg = f"{what}: {error}"
        raise BadRequest(msg) from error
    if value == 0:
        msg = f"{what} must be above zero."
        raise BadRequest(msg)
    return value


def said(text: str, what: str, *, most: int = 20_000) -> str:
    """The text, which must be there: grounds and reasons are never empty."""
    if not text.strip():
        msg = f"{what} is empty; say it in words."
        raise BadRequest(msg)
    if len(text) > most:
        msg = f"{what} is longer than {most} characters."
        raise BadRequest(msg)
    if not storable(text):
        msg = f"{what} holds characters that can't be stored."
        raise BadRequest(msg)
    return text
