"""What somebody asks for in one step, and all that deciding it may look at."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

import msgspec

from grantflow.domain.application import Application
from grantflow.domain.authority import Authorities
from grantflow.domain.calendar import end_of_day
from grantflow.domain.call import Call, Deadline
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.errors import BadRequest, RulesFailed, StepNotAllowed
from grantflow.domain.event import Event, Stamp
from grantflow.domain.frame import Frame
from grantflow.domain.money import Ore, ore
from grantflow.domain.plain import storable
from grantflow.domain.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.errors import Failure

FIRST_YEAR, LAST_YEAR = 1900, 2200
"""Every day that somebody names lies in these years."""

COMMANDS: dict[str, type[Command]] = {}
"""Every step the engine can take, by the name the process uses."""


class Situation(msgspec.Struct, frozen=True):
    """All a decision may look at: the call's rules, the case so far, the frame, the authorities, the circumstances.

    `call` is the call as it is for this case: in its area, at its stage. `authorities` are those of the organisation
    that acts. `revision` is the call's newest definition, where the command asks for it. `reading` is the content
    that the command is about, as the call reads it, once its rules have been asked.
    """

    call: Call
    case: Application
    frame: Frame
    by: Circumstances
    step: str
    authorities: Authorities = Authorities(id=UUID(int=0))
    revision: Call | None = None
    reading: Reading | None = None

    @property
    def at(self) -> datetime:
        """The instant that counts and is recorded: the command's, or the case's last if a clock is a little behind."""
        recorded = self.case.recorded_at
        return self.by.at if recorded is None else max(self.by.at, recorded)

    @property
    def reads(self) -> Reading:
        """The content that the command is about, as the call reads it."""
        return self.reading or self.call.facts.of(self.case.content, self.at)

    @property
    def target(self) -> str:
        """The state the process leads to by this step; StepNotAllowed where there is no arrow."""
        process = self.call.process
        target = process.target(self.step, self.case.state)
        if target is None:
            raise StepNotAllowed(self.step, self.case.state, process.steps_from(self.case.state))
        return target

    def stamp(
        self,
        *,
        state: str | None = None,
        authority: str | None = None,
        effective_at: datetime | None = None,
    ) -> Stamp:
        """The stamp of an event of this command, leading to `state` (the step's own target unless said)."""
        by = self.by
        happened = by.effective_at or effective_at
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
            effective_at=happened.astimezone(UTC) if happened else None,
        )


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody asks for in one step. Subclasses name their `step` and decide."""

    step: ClassVar[str] = ""
    money: ClassVar[bool] = False
    """Whether deciding reads the call's frame."""
    binding: ClassVar[bool] = False
    """Whether it binds the organisation, so that deciding looks its delegations and lines up."""
    revises: ClassVar[bool] = False
    """Whether deciding reads the call's newest definition, beside the one the case is bound to."""
    binary: ClassVar[frozenset[str]] = frozenset()
    """The fields that hold bytes (base64 in JSON) and may be as large as the call allows."""
    numbers: ClassVar[frozenset[str]] = frozenset()
    """The fields that hold a number which can look like a person's, and is checked to be what it says."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "step" in cls.__dict__:
            COMMANDS[cls.step] = cls

    def area_of(self, case: Application) -> str:
        """The area that the step is decided in: the case's own."""
        return case.area

    def subject(self, case: Application) -> dict[str, Any]:
        """The content that the call's declared rules are asked about."""
        return dict(case.content)

    def documents(self) -> Sequence[tuple[str, str, bytes]]:
        """Documents to keep before the events are: (digest, media type, bytes)."""
        return ()

    def decide(self, s: Situation) -> Sequence[Event]:
        """The events this command leads to, or a refusal. Pure."""
        raise NotImplementedError


def refuse_if(step: str, failures: Sequence[Failure]) -> None:
    """RulesFailed with every failure, or nothing."""
    if failures:
        raise RulesFailed(step, tuple(failures))


WHEN_PASSED = {"lapse": "lapse", "overdue": "mark-overdue"}
"""The step the clock takes when a deadline has passed, by what the call declares of it."""


def waiting(s: Situation, deadline: Deadline) -> tuple[str, ...]:
    """The states in which a case waits for a deadline: those declared, or those from which the clock may act."""
    step = s.call.process.steps.get(WHEN_PASSED[deadline.passed])
    return deadline.states or (tuple(step.moves) if step else ())


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
