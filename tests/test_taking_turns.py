"""Nobody waits behind another's flood, and one's own order is kept."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from grantflow.taking_turns import Turns


def test_one_command_does_not_wait_behind_anothers_thousand() -> None:
    turns: Turns[str] = Turns()
    for number in range(1_000):
        turns.put("a flood", f"flood {number}")
    turns.put("somebody", "mine")
    assert "mine" in turns.take(2)


@given(
    puts=st.lists(st.tuples(st.sampled_from("abc"), st.integers())),
    sizes=st.lists(st.integers(1, 5), min_size=1),
)
def test_everything_is_taken_once_in_ones_own_order(puts: list[tuple[str, int]], sizes: list[int]) -> None:
    turns: Turns[tuple[str, int]] = Turns()
    for whose, what in puts:
        turns.put(whose, (whose, what))
    taken: list[tuple[str, int]] = []
    while turns:
        taken += turns.take(sizes[len(taken) % len(sizes)])
    assert Counter(taken) == Counter(puts)
    for whose in "abc":
        assert [one for one in taken if one[0] == whose] == [one for one in puts if one[0] == whose]
