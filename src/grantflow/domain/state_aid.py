"""State aid: whether the award would be aid, and on which ground it may be given (bestemmelser 6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.command import Command, Situation, said
from grantflow.domain.parts import StateAid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event

Conclusion = Literal["no-aid", "de-minimis", "block-exemption", "notified"]


class StateAidAssessed(CaseEvent, frozen=True, kw_only=True):
    """The award has been assessed as state aid, with grounds."""

    topic = "state-aid-assessed@1"

    conclusion: Conclusion
    grounds: str

    def apply(self, case: Application) -> Application:
        return case.but(state_aid=StateAid(self.conclusion, self.grounds, self.stamp.person))


class AssessStateAid(Command, frozen=True, kw_only=True):
    """Say whether the award would be state aid, and why. Saying it again replaces it; both stay in the history."""

    step = "assess-state-aid"

    conclusion: Conclusion
    grounds: str

    def decide(self, s: Situation) -> Sequence[Event]:
        grounds = said(self.grounds, "grounds")
        return [StateAidAssessed(conclusion=self.conclusion, grounds=grounds, stamp=s.stamp())]
