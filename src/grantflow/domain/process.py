"""The declared process of a case, as a state machine that is asked and never moved."""

from __future__ import annotations

from typing import Any

import msgspec
from transitions import Machine

BEGINNING = "new"
"""The pseudo-state of a case with no events yet; `start` leads out of it."""


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A state a case can be in. From a `final` one, nothing has to follow."""

    id: str
    name: dict[str, str]
    final: bool = False


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step of the process: from which state to which, for which roles, after which declaration.

    A move from a state to itself is a step that records something and leaves the case where it is. An `impartial` step
    is closed to the directorate's people until they have declared their impartiality in the case. A step is open once
    each of the steps in `after` has been taken on the content as it stands, and only in `areas` where some are named.

    A step that the engine does not know is a declared one: it carries a `form` (`forms/NAME.schema.json`), records what
    was filled in and moves no money. Where it `opens` a stage, the application is filled in, approved and submitted
    anew from there.
    """

    id: str
    name: dict[str, str]
    moves: dict[str, str]
    roles: tuple[str, ...]
    impartial: bool = False
    after: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    form: str = ""
    opens: str = ""


class Apart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Steps that no one person may take two of in the same case, and the rule that says so."""

    steps: tuple[str, ...]
    source: str


class ProcessFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A process as its file declares it."""

    id: str
    initial: str
    states: tuple[State, ...]
    steps: tuple[Step, ...]
    apart: tuple[Apart, ...] = ()

    def within(self, area: str) -> ProcessFile:
        """The process as it is for an application in one area: its steps, each after those that exist there."""
        steps = [step for step in self.steps if not step.areas or area in step.areas]
        there = {step.id for step in steps}
        return msgspec.structs.replace(
            self,
            steps=tuple(
                msgspec.structs.replace(step, after=tuple(one for one in step.after if one in there))
                for step in steps
            ),
        )


class Process:
    """A process ready to be asked. Built once for a definition; every answer is looked up, none is computed twice."""

    def __init__(self, declared: ProcessFile) -> None:
        self.declared = declared
        self.id = declared.id
        self.initial = declared.initial
        self.states = {state.id: state for state in declared.states}
        self.steps = {step.id: step for step in declared.steps}
        self.apart = declared.apart
        self.machine = _machine(declared)
        self._targets = {
            (transition.source, step): str(transition.dest)
            for step in self.steps
            for transition in self.machine.get_transitions(step)
        }
        self._steps_from = {
            state: tuple(step for step in self.steps if (state, step) in self._targets)
            for state in (BEGINNING, *self.states)
        }

    def within(self, area: str) -> Process:
        """The process as it is for an application in one area; the same where areas make no difference."""
        declared = self.declared.within(area)
        return self if declared == self.declared else Process(declared)

    def target(self, step: str, state: str) -> str | None:
        """Where `step` leads from `state`; None when there is no such arrow."""
        return self._targets.get((state, step))

    def steps_from(self, state: str) -> tuple[str, ...]:
        """The steps that lead out of a state or are taken within it, in the order they are declared."""
        return self._steps_from.get(state, ())

    @property
    def arrows(self) -> tuple[tuple[str, str, str], ...]:
        """Every arrow as (from, step, to)."""
        return tuple((source, step, target) for (source, step), target in self._targets.items())


def _machine(declared: ProcessFile) -> Machine:
    arrows: list[dict[str, Any]] = [
        {"trigger": step.id, "source": source, "dest": target}
        for step in declared.steps
        for source, target in step.moves.items()
    ]
    return Machine(
        model=None,
        states=[BEGINNING, *(state.id for state in declared.states)],
        transitions=arrows,
        initial=BEGINNING,
        auto_transitions=False,
    )
