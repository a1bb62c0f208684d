"""How long is waited and how often is tried: never sooner, later or longer than is declared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantflow.webhooks.pace import (
    FIRST_DELAY,
    JITTER,
    LONGEST_DELAY,
    LONGEST_PAUSE,
    LONGEST_REST,
    PAUSED_AFTER,
    PAUSED_FAILURES,
    RESTED_FAILURES,
    SHORTEST_REST,
    TRIED_FOR,
    delay,
    is_to_be_paused,
    next_attempt,
    rest,
    retry_after,
)

NOW = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
CHANCES = st.floats(0, 1)


@given(st.integers(0, 10**6), CHANCES)
def test_no_delay_is_shorter_or_longer_than_declared(attempt: int, chance: float) -> None:
    assert FIRST_DELAY * (1 - JITTER) <= delay(attempt, chance) <= LONGEST_DELAY * (1 + JITTER)


@given(st.integers(1, 50), CHANCES)
def test_each_delay_is_longer_than_the_one_before_until_the_longest(attempt: int, chance: float) -> None:
    here, next_one = delay(attempt, chance), delay(attempt + 1, chance)
    assert here <= next_one
    assert next_one > here or here >= LONGEST_DELAY * (1 - JITTER)


def test_delays_differ_by_chance() -> None:
    assert len({delay(3) for _ in range(50)}) > 40


@pytest.mark.parametrize("_", range(20))
def test_it_is_tried_for_three_days_and_once_when_they_are_over(_: int) -> None:
    at, attempts = NOW, [NOW]
    while (again := next_attempt(len(attempts), NOW, at)) is not None:
        at = again
        attempts.append(at)
    assert attempts[-1] - NOW == TRIED_FOR
    assert all(before < after for before, after in pairwise(attempts))
    assert 60 < len(attempts) < 120
    assert next_attempt(len(attempts), NOW, at) is None


@given(st.integers(-(10**12), 10**12))
def test_a_number_of_seconds_is_heeded_within_bounds(seconds: int) -> None:
    until = retry_after(str(seconds), NOW)
    if seconds < 0:
        assert until is None
    else:
        assert until is not None
        assert until - NOW == min(max(timedelta(seconds=seconds), SHORTEST_REST), LONGEST_REST)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 - of no zone, as HTTP has them
def test_an_instant_is_heeded_within_bounds(then: datetime) -> None:
    until = retry_after(format_datetime(then.replace(tzinfo=UTC), usegmt=True), NOW)
    assert until is not None
    assert SHORTEST_REST <= until - NOW <= LONGEST_REST


@given(st.text(max_size=120))
def test_whatever_else_stands_there_is_heeded_within_bounds_or_not_at_all(text: str) -> None:
    until = retry_after(text, NOW)
    assert until is None or SHORTEST_REST <= until - NOW <= LONGEST_REST


@given(st.integers(0, 10**6))
def test_a_subscriber_rests_from_the_third_failure_on(failures: int) -> None:
    until = rest(failures, NOW)
    assert (until is None) == (failures < RESTED_FAILURES)
    assert until is None or FIRST_DELAY * (1 - JITTER) <= until - NOW <= LONGEST_PAUSE


def test_it_is_paused_after_two_days_and_ten_failures_and_not_before() -> None:
    days = [timedelta(0), PAUSED_AFTER - timedelta(seconds=1), PAUSED_AFTER, PAUSED_AFTER * 3]
    paused = {
        (n, day)
        for n in (1, PAUSED_FAILURES - 1, PAUSED_FAILURES, 500)
        for day in days
        if is_to_be_paused(n, NOW - day, NOW)
    }
    assert paused == {(n, day) for n in (PAUSED_FAILURES, 500) for day in days[2:]}
    assert PAUSED_AFTER < TRIED_FOR, "nothing dies of a receiver that is down: it is paused before that"
