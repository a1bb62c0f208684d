"""A condition that can't be evaluated fails, and never falls over: an index, a division, a number too large."""

from datetime import UTC, datetime

import cel
import pytest
from steps import call_2023

from grantflow.domain.rules import FACTS, Condition, context_of

AT = datetime(2023, 8, 14, tzinfo=UTC)


def interrupted(_: object) -> None:
    raise KeyboardInterrupt


def spoken(_: object) -> None:
    msg = "Function 'f' error: Python function call failed: KeyboardInterrupt"
    raise ValueError(msg)


def test_an_interrupt_inside_a_condition_is_an_interrupt_and_no_broken_rule() -> None:
    condition = Condition("money(1) > 0")
    with pytest.raises(KeyboardInterrupt):
        condition.holds(cel.Context(functions={"money": interrupted}))
    assert condition.holds(cel.Context(functions={"money": spoken})) is False


@pytest.mark.parametrize(
    "expression",
    ["municipality(empty[0])", "100 / none > 1", "money(amount) * 1000000000000 > 0", "missing.field == 1"],
)
def test_a_condition_that_can_not_be_evaluated_does_not_hold(expression: str) -> None:
    content = {"empty": [], "none": 0, "amount": "999999999999.00"}
    assert Condition(expression).holds(context_of(content, call_2023().register, AT)) is False


@pytest.mark.parametrize(
    ("expression", "asked"),
    [
        ("project.asked > 1", set()),
        ("facts.asked > 1 && facts . state == 'draft' && facts.asked < 9", {"asked", "state"}),
        ("has(facts.area) || facts['year'] == 2023", set(FACTS)),
        ("size(facts) == 0", set(FACTS)),
        ("facts.themes.exists(facts, facts == 'a')", set(FACTS)),
        ("artifacts.asked == 1", set()),
    ],
)
def test_a_condition_is_handed_the_facts_that_it_asks_for(expression: str, asked: set[str]) -> None:
    assert Condition(expression).facts == asked
