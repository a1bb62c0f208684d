"""A case from the first draft to its end, decided without any storage."""

from typing import TYPE_CHECKING

from reports import reported
from steps import accept

from grantflow.domain.reporting import CaseClosed, ReportAccepted

if TYPE_CHECKING:
    from grantflow.domain.application import Application


def test_an_ordinary_case_goes_from_draft_to_closed() -> None:
    case: Application = reported().when(accept()).then(ReportAccepted, CaseClosed)
    assert case.state == "closed"


def test_every_event_of_a_life_says_who_when_in_which_role_and_to_which_state() -> None:
    given = reported().and_then(accept())
    for event in given.events:
        stamp = event.stamp
        assert stamp.person
        assert stamp.organisation
        assert stamp.role
        assert stamp.step
        assert stamp.state
        assert stamp.recorded_at.utcoffset() is not None
