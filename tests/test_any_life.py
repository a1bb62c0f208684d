"""Random people take random steps, legal and not, under both calls: the safety rules hold, and every case can end."""

from __future__ import annotations

import os
from collections import Counter
from itertools import product
from random import Random
from typing import TYPE_CHECKING

import pytest
from conftest import fresh_database
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from living import Lives
from ways import first_way, second_way

from grantflow import logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from walking import Way

LONG = os.environ.get("GRANTFLOW_LONG_TESTS") == "1"


FATES = ("grant", "reject", "dismiss", "withdraw") * 2
"""How lives end that are lived for one step to be taken, or one state to be reached, in one of them."""
WAYS = pytest.mark.parametrize("through", [first_way, second_way])


@pytest.mark.timeout(900)
@WAYS
def test_whatever_people_try_the_rules_hold(through: Callable[[], Way], server: str, template: str) -> None:
    logs.set_up("error", "json")
    way = through()

    class Here(Lives):
        def __init__(self) -> None:
            super().__init__(way, lambda: fresh_database(server, template), Counter())

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=2_000 if LONG else 16,
            stateful_step_count=20,
            derandomize=not LONG,
            deadline=None,
            phases=tuple(Phase) if LONG else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        ),
    )


@pytest.mark.timeout(900)
@WAYS
def test_every_step_is_taken_and_every_state_reached_in_some_life_by_the_rules(
    through: Callable[[], Way], server: str, template: str
) -> None:
    logs.set_up("error", "json")
    way, seen = through(), Counter[str]()
    process = way.call.process
    expected = [*(f"step {step}" for step in process.steps), *(f"state {state}" for state in process.states)]
    for number, (wanted, fate) in enumerate(product(expected, FATES)):
        if wanted in seen:
            continue
        machine = Lives(way, lambda: fresh_database(server, template), seen)
        machine.begin(number)
        machine.begin(number + 1)
        machine.live(Random(number), machine.cases[0], fate, wanted.removeprefix("step "))  # noqa: S311 - no secret
        machine.the_frame_holds()
        machine.teardown()
    assert not set(expected) - set(seen)
