"""How amounts, instants and events are written for people."""

from datetime import UTC, datetime

import pytest

from grantflow.cli.output import bar
from grantflow.domain import lifecycle
from grantflow.domain.application import CaseEvent
from grantflow.domain.calendar import clock, day
from grantflow.domain.event import EVENT_TYPES
from grantflow.domain.money import kr
from grantflow.sayings import SAYINGS

PHASES = lifecycle.PHASES


@pytest.mark.parametrize(
    ("ore", "text"),
    [
        (123_456_700, "1 234 567 kr"),
        (790_000_000, "7 900 000 kr"),
        (0, "0 kr"),
        (99_950, "999,50 kr"),
        (-150_000, "-1 500 kr"),
    ],
)
def test_an_amount_is_written_with_no_break_spaces(ore: int, text: str) -> None:
    assert kr(ore) == text.replace(" ", "\N{NO-BREAK SPACE}")


def test_an_instant_is_told_by_the_clock_in_oslo_summer_and_winter() -> None:
    assert clock(datetime(2023, 8, 28, 22, tzinfo=UTC)) == "29.08.2023 00.00"
    assert clock(datetime(2024, 2, 1, 22, 59, 59, 999_000, tzinfo=UTC)) == "01.02.2024 23.59.59,999"
    assert day(datetime(2023, 8, 28, 22, tzinfo=UTC)) == "29.08.2023"


def test_a_bar_is_as_long_as_the_share() -> None:
    assert bar(0, 8, 8) == ""
    assert bar(8, 8, 8) == "████████"
    assert bar(1, 16, 8) == "▌"
    assert bar(1, 0, 8) == ""


def test_every_event_of_a_case_has_a_sentence() -> None:
    events = {kind for kind in EVENT_TYPES.values() if issubclass(kind, CaseEvent)}
    assert events - set(SAYINGS) == set()
