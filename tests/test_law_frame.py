"""No commitment beyond the budget year, and the appropriation is not overrun (L13)."""

import pytest
from given import FRAME, Given, Step
from steps import (
    GRANTED,
    GROUNDS,
    assessed,
    call_2023,
    declared,
    grant,
    granted,
    paid,
    started,
)

from grantflow.domain.call import CALL, Call
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.errors import FrameExceeded, NotAllowed
from grantflow.domain.frame import Commitment, Frame, FrameCommitted, FrameReleased
from grantflow.domain.letters import LetterIssued
from grantflow.domain.money import ore
from grantflow.domain.reversal import DecisionReversed, GrantReduced
from grantflow.states import case_stream

TO_DECIDE = (*assessed(), declared("decider"))
ON = {"grounds": GROUNDS, "authority": "IMDi-2023-014"}
OTHER = case_stream("another case")


def test_l13_later_years_are_intentions_that_commit_nothing_and_the_letter_says_so() -> None:
    exactly = Frame(id=FRAME, version=1, limit_ore=ore(GRANTED))
    given = Given(call_2023(), *TO_DECIDE, frame=exactly)
    given.when(grant(later_years=[{"year": 2024, "amount": "9000000.00"}])).then(
        FrameCommitted, ApplicationGranted
    )
    assert (given.frame.committed_ore, given.frame.left_ore) == (ore(GRANTED), 0)
    given.when(Step("issue-letter", role="decider")).then(LetterIssued)
    text = given.events[-1].facts()["text"]
    assert "forutsetter at Stortinget bevilger midler" in text
    assert "intensjon" in text


def test_l13_nothing_of_a_later_year_is_paid() -> None:
    given = Given(call_2023(), *paid(later_years=[{"year": 2024, "amount": "9000000.00"}]))
    assert (given.case.state, given.case.paid_ore) == ("paid", ore(GRANTED))


@pytest.mark.parametrize("year", [2022, 2023])
def test_l13_the_grant_year_and_those_before_it_are_no_later_years(year: int) -> None:
    given = Given(call_2023(), *TO_DECIDE)
    given.when(grant(later_years=[{"year": year, "amount": "1.00"}])).refused(NotAllowed)


def test_l13_the_frame_holds_to_the_oere() -> None:
    left = Frame(id=FRAME, version=1, limit_ore=ore(GRANTED) + 5, commitments={OTHER: Commitment(5)})
    Given(call_2023(), *TO_DECIDE, frame=left).when(grant()).then(FrameCommitted, ApplicationGranted)
    less = left.but(limit_ore=ore(GRANTED) + 4)
    Given(call_2023(), *TO_DECIDE, frame=less).when(grant()).refused(FrameExceeded)


def in_areas() -> Call:
    """The call with two areas, of which one has a part of the frame: a million."""
    areas = """
[[areas]]
id = "small"
name = { nb = "Lite", nn = "Lite" }
source = "Satsingsområder"
applicants = ["municipality"]
frame = "1000000.00"

[[areas]]
id = "open"
name = { nb = "Åpent", nn = "Ope" }
source = "Satsingsområder"
applicants = ["municipality"]

[[criteria]]"""
    files = call_2023().files
    return Call.read({**files, CALL: files[CALL].replace("\n[[criteria]]", areas, 1)})


@pytest.mark.parametrize(
    ("area", "taken", "fits"),
    [("small", 20_000_000, True), ("small", 20_000_001, False), ("open", 20_000_001, True)],
)
def test_l13_an_area_takes_no_more_than_its_own_part_of_the_frame(
    area: str, taken: int, *, fits: bool
) -> None:
    call = in_areas()
    frame = Frame(
        id=FRAME,
        version=1,
        limit_ore=call.frame,
        areas={"small": ore("1000000.00")},
        commitments={OTHER: Commitment(taken, "small")},
    )
    begun = started().saying(area=area)
    given = Given(call, begun, *assessed()[1:], declared("decider"), frame=frame)
    outcome = given.when(grant())
    if fits:
        outcome.then(FrameCommitted, ApplicationGranted)
    else:
        assert "small" in outcome.refused(FrameExceeded).detail


def test_l13_a_part_that_is_not_spent_opens_nothing_when_the_whole_frame_is() -> None:
    call = in_areas()
    spent = Commitment(call.frame - ore(GRANTED) + 1, "open")
    frame = Frame(
        id=FRAME, version=1, limit_ore=call.frame, areas={"small": call.frame}, commitments={OTHER: spent}
    )
    begun = started().saying(area="small")
    given = Given(call, begun, *assessed()[1:], declared("decider"), frame=frame)
    given.when(grant()).refused(FrameExceeded)


def test_l13_what_a_reversal_or_reduction_frees_can_be_committed_again_and_no_more() -> None:
    frame = Frame(id=FRAME, version=1, limit_ore=ore(GRANTED) + 1, commitments={OTHER: Commitment(1)})
    on = {"case_of_35": "not-told", **ON}
    given = Given(call_2023(), *granted(), frame=frame)
    reduced = given.and_then(Step("reduce", {"amount": "500000.00", **on}, role="decider"))
    assert isinstance(reduced.events[-2], FrameReleased)
    assert isinstance(reduced.events[-1], GrantReduced)
    assert (reduced.frame.left_ore, reduced.frame.commitments[OTHER]) == (30_000_000, Commitment(1))
    given.when(Step("reverse", on, role="decider")).then(FrameReleased, DecisionReversed)
    given = given.and_then(Step("issue-letter", role="decider"))
    given.when(grant("800000.01")).refused(FrameExceeded)
    given.when(grant(GRANTED)).then(FrameCommitted, ApplicationGranted)


def test_l13_a_frame_is_not_lowered_below_what_is_committed() -> None:
    frame = Frame(
        id=FRAME, version=1, limit_ore=100, areas={"small": 50}, commitments={OTHER: Commitment(40, "small")}
    )
    stamp = Given(call_2023(), started()).events[0].stamp
    for limit, part in ((39, 40), (100, 39)):
        with pytest.raises(FrameExceeded):
            frame.adjust("x", limit, {"small": part}, stamp)
    lowered = frame.adjust("x", 40, {"small": 40}, stamp)
    assert (lowered.limit_ore, lowered.left_ore, lowered.stamp.state) == (40, 0, "spent")
