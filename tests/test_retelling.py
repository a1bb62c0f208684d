"""Every command can be told again from its events, and decided again gives the same events to the byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from gathered import clean_year, gathered
from given import Given
from lived import lived
from steps import (
    call_2023,
    declared,
    granted,
    letter,
    reduce,
)
from ways import first_way, second_way

from grantflow.domain import lifecycle, retelling
from grantflow.domain.application import Application, evolve
from grantflow.domain.command import COMMANDS
from grantflow.domain.drafting import ApprovalVoided, DocumentAttached
from grantflow.domain.errors import NotFound
from grantflow.domain.event import body_of
from grantflow.domain.parts import Attachment
from grantflow.domain.retelling import Untold, commands, retell
from grantflow.rejudging import Lookups
from grantflow.rejudging.cases import decided_again

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from walking import Way


PHASES = lifecycle.PHASES


def told_again(lookups: Lookups) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """Each command's events as they are stored, the frame's first, and as its retold command gives them."""
    at = {entry.position: entry for entry in lookups.history.entries}
    for history in lookups.history.cases:
        case = Application(id=history.id)
        for together in commands(history.entries):
            again = decided_again(case, together, lookups)
            stored = [at[together[0].position - 1]] if any(e.stream == "frame" for e in again) else []
            yield [body_of(entry.event) for entry in (*stored, *together)], [body_of(e) for e in again]
            for entry in together:
                case = evolve(case, entry)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("through", [first_way, second_way])
def test_every_step_of_lives_under_both_calls_is_retold_to_the_byte(
    through: Callable[[], Way], server: str, template: str
) -> None:
    for life in lived(through(), server, template):
        for stored, again in told_again(life.lookups):
            assert stored == again


def test_every_step_of_the_ordinary_cases_is_retold_to_the_byte() -> None:
    before_told = Given(
        call_2023(), *granted(), declared("decider").by("imdi-reducer"), reduce(), letter().by("imdi-reducer")
    )
    for history in (clean_year(), gathered(call_2023(), before_told)):
        for stored, again in told_again(Lookups(history)):
            assert stored == again


def test_there_is_a_way_back_to_every_command() -> None:
    beginnings = [*retelling._NAMED, *retelling._TOLD, DocumentAttached]
    modules = {kind.__module__ for kind in beginnings}
    steps = {command.__module__ for command in COMMANDS.values()}
    assert steps <= modules
    assert len(beginnings) == len(set(beginnings)) == len(COMMANDS) + 1, "and declared steps share one"


def test_events_that_no_command_leads_to_alone_are_told_of_none() -> None:
    stamp = Given(call_2023(), *granted()).events[-1].stamp
    with pytest.raises(Untold, match="approval-voided@1"):
        retell([ApprovalVoided(content="", stamp=stamp)])


def test_a_document_is_not_at_hand_unless_somebody_fetches_it() -> None:
    stamp = Given(call_2023(), *granted()).events[-1].stamp
    event = DocumentAttached(attachment=Attachment("ab", "plan.pdf", "application/pdf", 3), stamp=stamp)
    with pytest.raises(NotFound, match="ab"):
        retell([event])
    assert retell([event], {"ab": b"..."}.__getitem__)[1]["content"] == b"..."
