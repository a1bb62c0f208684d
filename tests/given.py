"""Given these steps, when this one, then these events or this refusal: decisions tested without any storage."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from grantflow.domain import lifecycle
from grantflow.domain.application import Application, CaseEvent, evolve
from grantflow.domain.authority import Authorities, Authority
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.command import Situation
from grantflow.domain.deciding import command_from, decide
from grantflow.domain.errors import Refused
from grantflow.domain.event import Entry, Event
from grantflow.domain.frame import Frame, fold_frame

if TYPE_CHECKING:
    from grantflow.domain.call import Call

PHASES = lifecycle.PHASES
CASE = UUID(int=1)
FRAME = UUID(int=2)
OSLO_KOMMUNE = "958935420"
STAVANGER = "964965226"
IMDI = "987879696"
START = datetime(2023, 8, 14, 8, 0, tzinfo=UTC)
DEADLINE = datetime(2023, 8, 28, 22, 0, tzinfo=UTC)
"""The first instant that is too late to apply."""
REPORT_DEADLINE = datetime(2024, 2, 1, 23, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Step:
    """A step somebody takes: the name, what they say, who they are, and when (default: an hour after the last)."""

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    role: str = "applicant"
    person: str = ""
    organisation: str = ""
    at: datetime | None = None

    def by(self, person: str, role: str | None = None) -> Step:
        """The same step by another person."""
        return Step(self.name, self.data, role or self.role, person, self.organisation, self.at)

    def when(self, at: datetime) -> Step:
        """The same step at another instant."""
        return Step(self.name, self.data, self.role, self.person, self.organisation, at)

    def of(self, organisation: str) -> Step:
        """The same step on behalf of another organisation."""
        return Step(self.name, self.data, self.role, self.person, organisation, self.at)

    def decided_by(self, person: str) -> Step:
        """The same step by another person, on that person's own authority where it asks for one."""
        own = {"authority": OWN[person]} if "authority" in self.data else {}
        return self.by(person).saying(**own)

    def saying(self, **data: Any) -> Step:
        """The same step with some of its content changed."""
        return Step(self.name, {**self.data, **data}, self.role, self.person, self.organisation, self.at)


MUNICIPAL = {"applicant", "director", "project-lead", "superior"}


class Given:
    """A case with a history. Steps given must be legal; the one in `when` is what the test is about."""

    def __init__(
        self,
        call: Call,
        *steps: Step,
        frame: Frame | None = None,
        authorities: Authorities | None = None,
        revision: Call | None = None,
    ) -> None:
        self.call = call
        self.authorities = authorities or delegated(call)
        self.revision = revision
        self.case = Application(id=CASE)
        self.frame = frame or Frame(id=FRAME, version=1, limit_ore=call.frame)
        self.now = START
        self.count = 0
        self.events: list[Event] = []
        for step in steps:
            self._take(step)

    def when(self, step: Step) -> Outcome:
        """Try one more step."""
        try:
            return Outcome(self, self._take(step), None)
        except Refused as refusal:
            return Outcome(self, [], refusal)

    def and_then(self, *steps: Step) -> Given:
        """The same case, further on."""
        further = copy.copy(self)
        further.events = list(self.events)
        for step in steps:
            further._take(step)
        return further

    def _take(self, step: Step) -> list[Event]:
        at = step.at or self.now + timedelta(hours=1)
        self.count += 1
        municipal = step.role in MUNICIPAL
        by = Circumstances(
            at=at,
            person=step.person or f"{'kommune' if municipal else 'imdi'}-{step.role}",
            organisation=step.organisation or (OSLO_KOMMUNE if municipal else IMDI),
            role=step.role,
            channel="test",
            command=f"c{self.count}",
        )
        by_digest = {call.digest: call for call in (self.call, self.revision) if call}
        call = by_digest.get(self.case.definition, self.call)
        situation = Situation(
            call, self.case, self.frame, by, step.name, self.authorities, self.revision or self.call
        )
        events = list(decide(situation, command_from(step.name, copy.deepcopy(step.data))))
        assert events, f"{step.name} was accepted and recorded nothing"
        for event in events:
            if isinstance(event, CaseEvent):
                self.case = evolve(self.case, Entry(CASE, self.case.version + 1, event))
            else:
                self.frame = fold_frame(self.frame, [Entry(FRAME, self.frame.version + 1, event)])
        self.now = max(self.now, at)
        self.events += events
        return events


DELEGATIONS = {
    "IMDi-2023-014": ("budget", "imdi-decider"),
    "IMDi-2023-015": ("budget", "other-decider"),
    "IMDi-2023-016": ("budget", "imdi-claims"),
    "IMDi-2023-017": ("budget", "imdi-reducer"),
    "IMDi-2023-018": ("budget", "one-person"),
    "KS 22/118": ("approval", "kommune-director"),
}
"""The written authorities that tests rely on unless they bring their own: of what, and whose."""
OWN = {person: reference for reference, (_, person) in DELEGATIONS.items()}
"""Each person's own authority, by its reference."""


def delegated(call: Call) -> Authorities:
    """The authorities of everybody in the tests, as if both organisations had one stream."""
    return Authorities(
        id=CASE,
        delegations={
            reference: authority(call, reference, scope, person)
            for reference, (scope, person) in DELEGATIONS.items()
        },
    )


def authority(call: Call, reference: str, scope: str, person: str, **changes: Any) -> Authority:
    """A written authority without limits, with some of its terms changed."""
    terms = {
        "reference": reference,
        "scope": scope,
        "person": person,
        "issued_by": "direktøren",
        "valid_from": date(2022, 1, 1),
        "appropriation": call.appropriation if scope == "budget" else "",
    }
    return Authority(**{**terms, **changes})


@dataclass(frozen=True)
class Outcome:
    """What came of the step in `when`."""

    given: Given
    events: list[Event]
    refusal: Refused | None

    def then(self, *kinds: type[Event]) -> Application:
        """Accepted, with exactly these kinds of events; gives the case afterwards."""
        if self.refusal is not None:
            pytest.fail(f"refused: {self.refusal.code}: {self.refusal.detail}")
        assert [type(event) for event in self.events] == list(kinds)
        return self.given.case

    def refused(self, kind: type[Refused], *rules: str) -> Refused:
        """Refused in exactly this way, and by exactly these declared rules when any are named."""
        assert self.refusal is not None, f"accepted: {[type(event).__name__ for event in self.events]}"
        assert type(self.refusal) is kind, f"{type(self.refusal).__name__}: {self.refusal.detail}"
        if rules:
            assert {failure.rule for failure in self.refusal.failures} == set(rules), self.refusal.detail
        return self.refusal
