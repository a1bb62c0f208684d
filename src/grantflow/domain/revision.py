"""Moving a running case to the call's newest definition: a step of its own, with grounds, and never by itself (R35)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.command import Command, Situation, said
from grantflow.domain.drafting import ApprovalVoided, DeadlineTerms, terms_of
from grantflow.domain.errors import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.call import Call
    from grantflow.domain.event import Event


class CaseMovedToRevision(CaseEvent, frozen=True, kw_only=True):
    """From here on the case is decided by another definition of its call, and waits for that one's deadlines."""

    topic = "case-moved-to-revision@1"

    before: str
    definition: str
    grounds: str
    deadlines: tuple[DeadlineTerms, ...]

    def apply(self, case: Application) -> Application:
        return case.but(definition=self.definition)


class MoveToRevision(Command, frozen=True, kw_only=True):
    """Move the case to the call's newest definition, with grounds. What was done by the old one stays done.

    A draft's approval was of what the old rules asked for, so it no longer holds. `definition` may name the digest that
    is meant: then a revision in between refuses the move.
    """

    step = "move-to-revision"
    revises = True

    grounds: str
    definition: str | None = None

    def decide(self, s: Situation) -> Sequence[Event]:
        newest = s.revision
        if newest is None or newest.digest == s.case.definition:
            msg = f"The case is decided by the newest definition of {s.call.id} already."
            raise NotAllowed(msg)
        if self.definition not in (None, newest.digest):
            msg = f"The newest definition is {newest.digest}, not {self.definition}."
            raise NotAllowed(msg)
        self._room_for(s, newest)
        moved = CaseMovedToRevision(
            before=s.case.definition,
            definition=newest.digest,
            grounds=said(self.grounds, "grounds"),
            deadlines=terms_of(_under(s, newest), s.case.area),
            stamp=s.stamp(),
        )
        if s.case.approval is None or s.case.submitted:
            return [moved]
        return [moved, ApprovalVoided(content=s.case.approval.content, stamp=s.stamp())]

    def _room_for(self, s: Situation, newest: Call) -> None:
        """The new definition has the state, the area and the stage that the case stands in."""
        there = newest.process.within(s.case.area)
        if s.target not in there.states:
            msg = f"The newest definition has no state '{s.target}'; a case that is there can't be moved."
            raise NotAllowed(msg)
        if s.case.area and s.case.area not in newest.areas:
            msg = f"The newest definition has no area '{s.case.area}'."
            raise NotAllowed(msg)
        if s.case.stage and s.case.stage not in newest.stages:
            msg = f"The newest definition has no stage '{s.case.stage}'."
            raise NotAllowed(msg)


def _under(s: Situation, newest: Call) -> Situation:
    return Situation(newest.within(s.case.area, s.case.stage), s.case, s.frame, s.by, s.step)
