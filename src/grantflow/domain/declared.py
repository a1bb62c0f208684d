"""Steps of the call's own: a form that somebody fills in, at a place in the process; they move no money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.call import step_form
from grantflow.domain.command import Command, Situation, refuse_if
from grantflow.domain.errors import NotFound
from grantflow.domain.parts import DeclaredStep, EarlierStage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event


class DeclaredStepTaken(CaseEvent, frozen=True, kw_only=True):
    """A step that the call declares was taken. `about` is the digest of the application's content at that instant."""

    topic = "declared-step-taken@1"

    declared: str
    form: str
    about: str
    content: dict[str, Any]

    def apply(self, case: Application) -> Application:
        stamp = self.stamp
        taken = DeclaredStep(self.about, stamp.person, stamp.recorded_at, self.content)
        return case.but(declared={**case.declared, self.declared: taken})


class StageOpened(CaseEvent, frozen=True, kw_only=True):
    """Another stage begins: the application is filled in, approved and submitted anew. What was, stays (R33)."""

    topic = "stage-opened@1"

    stage: str
    left: str

    def apply(self, case: Application) -> Application:
        score = case.assessment.score if case.assessment else None
        earlier = EarlierStage(self.left, case.submitted or "", score)
        return case.but(
            stage=self.stage,
            earlier=(*case.earlier, earlier),
            approval=None,
            submitted=None,
            scores=(),
            assessment=None,
        )


class TakeDeclaredStep(Command, frozen=True, kw_only=True):
    """Fill in the form of a step that the call declares; the content is the form's."""

    content: dict[str, Any]

    def decide(self, s: Situation) -> Sequence[Event]:
        declared = s.call.process.steps[s.step]
        if not declared.form:
            msg = f"The engine has no step '{s.step}', and {s.call.id} declares no form for it."
            raise NotFound(msg)
        form = s.call.forms[step_form(declared.form)]
        refuse_if(s.step, form.check(self.content, complete=True, section=None))
        taken = DeclaredStepTaken(
            declared=s.step,
            form=declared.form,
            about=s.case.content_digest,
            content=self.content,
            stamp=s.stamp(),
        )
        if not declared.opens:
            return [taken]
        return [taken, StageOpened(stage=declared.opens, left=s.call.stage, stamp=s.stamp())]
