"""Acts by those who had not said to be impartial, had said that they were not, or answer to somebody who had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.domain.casework import ImpartialityDeclared
from grantflow.domain.command import COMMANDS
from grantflow.domain.roles import DIRECTORATE, MACHINES
from grantflow.question import Question, Row, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.domain.event import Entry
    from grantflow.history import History, Moment

PEOPLE = DIRECTORATE - MACHINES


def answer(history: History) -> Iterator[Row]:
    """A row for each act at the directorate, with the declaration of a conflict where there is one."""
    for case in history.cases:
        conflicts: dict[str, Entry | None] = {}
        command = ""
        for moment in case.moments:
            event, stamp = moment.event, moment.event.stamp
            first, command = stamp.command != command, stamp.command
            if isinstance(event, ImpartialityDeclared):
                declared = moment.entry if event.conflict else None
                conflicts[stamp.person] = conflicts.get(stamp.person) or declared
            elif first and stamp.role in PEOPLE:
                for breach, proof in _breaches(history, moment, conflicts):
                    yield row(
                        case,
                        [*([proof] if proof else []), moment.entry],
                        person=stamp.person,
                        step=stamp.step,
                        at=moment.at.isoformat(),
                        breach=breach,
                    )


def _breaches(
    history: History, moment: Moment, conflicts: dict[str, Entry | None]
) -> Iterator[tuple[str, Entry | None]]:
    stamp, command = moment.event.stamp, COMMANDS.get(moment.event.stamp.step)
    binding = command is not None and command.binding
    step = history.call_of(moment.before if moment.before.version else moment.after).process.steps.get(
        stamp.step
    )
    if (binding or (step and step.impartial)) and stamp.person not in conflicts:
        yield "before any declaration of impartiality", None
    if conflicts.get(stamp.person):
        yield "after a conflict was declared", conflicts[stamp.person]
    if binding:
        known = history.authorities(stamp.organisation, moment.entry.position)
        superior = known.superior_of(stamp.person, moment.at)
        if superior and conflicts.get(superior):
            yield f"under {superior}, who has a conflict", conflicts[superior]


question = Question(
    number=12,
    name="impartiality",
    asks="Did anybody act before declaring impartiality, after a conflict, or directly under somebody with a conflict?",
    law="fvl §§ 6-10",
    columns=("case", "applicant", "person", "step", "at", "breach"),
    answer=answer,
    breaches=True,
)
