"""Special conditions: what the municipality must show, accepted with its evidence, or waived with the reason (R14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.command import Command, Situation, said
from grantflow.domain.errors import NotAllowed, NotFound
from grantflow.domain.parts import ConditionOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event


class ConditionMet(CaseEvent, frozen=True, kw_only=True):
    """A special condition is met; `evidence` says by what."""

    topic = "condition-met@1"

    condition: str
    evidence: str

    def apply(self, case: Application) -> Application:
        return _ended(self, case, "met", self.condition, self.evidence)


class ConditionWaived(CaseEvent, frozen=True, kw_only=True):
    """A special condition is not insisted on any more, with the reason."""

    topic = "condition-waived@1"

    condition: str
    reason: str

    def apply(self, case: Application) -> Application:
        return _ended(self, case, "waived", self.condition, self.reason)


class AcceptCondition(Command, frozen=True, kw_only=True):
    """Accept that a special condition is met, and say by what it is shown."""

    step = "accept-condition"

    condition: str
    evidence: str

    def decide(self, s: Situation) -> Sequence[Event]:
        _open(s, self.condition)
        evidence = said(self.evidence, "evidence")
        return [ConditionMet(condition=self.condition, evidence=evidence, stamp=s.stamp())]


class WaiveCondition(Command, frozen=True, kw_only=True):
    """Let a special condition go, with the reason: whoever decides may do so."""

    step = "waive-condition"
    binding = True

    condition: str
    reason: str

    def decide(self, s: Situation) -> Sequence[Event]:
        _open(s, self.condition)
        return [
            ConditionWaived(condition=self.condition, reason=said(self.reason, "reason"), stamp=s.stamp())
        ]


def _open(s: Situation, condition: str) -> None:
    decision = s.case.decision
    known = [one.id for one in decision.conditions] if decision else []
    if condition not in known:
        msg = f"The grant sets no condition '{condition[:60]}'. It sets: {', '.join(known) or 'none'}."
        raise NotFound(msg)
    if s.case.settled(condition):
        msg = f"The condition '{condition}' is {s.case.conditions[condition].outcome} already."
        raise NotAllowed(msg)


def _ended(event: CaseEvent, case: Application, outcome: str, condition: str, why: str) -> Application:
    ended = ConditionOutcome(outcome, why, event.stamp.person, event.stamp.recorded_at)
    return case.but(conditions={**case.conditions, condition: ended})
