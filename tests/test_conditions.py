"""A condition that can't be evaluated fails, and never falls over: an index, a division, a number too large."""

from datetime import UTC, datetime

import pytest
from steps import call_2023

from grantflow.domain.rules import Condition, context_of

AT = datetime(2023, 8, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    "expression",
    ["municipality(empty[0])", "100 / none > 1", "money(amount) * 1000000000000 > 0", "missing.field == 1"],
)
def test_a_condition_that_can_not_be_evaluated_does_not_hold(expression: str) -> None:
    content = {"empty": [], "none": 0, "amount": "999999999999.00"}
    assert Condition(expression).holds(context_of(content, call_2023().register, AT)) is False
