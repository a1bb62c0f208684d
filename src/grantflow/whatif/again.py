"""Cases lived again under another definition: what was done is done again, where it still can be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from grantflow.domain.application import Application, CaseEvent, evolve
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.command import Command, Situation
from grantflow.domain.correction import FactCorrected
from grantflow.domain.deciding import command_from, decide
from grantflow.domain.drafting import ApprovalVoided, DocumentAttached
from grantflow.domain.errors import Refused
from grantflow.domain.event import Entry
from grantflow.domain.frame import Frame, FrameEvent, fold_frame
from grantflow.domain.retelling import commands, retell
from grantflow.rejudging.cases import circumstances
from grantflow.rejudging.lookups import NO_AUTHORITY, NOBODY, Lookups, parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from grantflow.domain.call import Call
    from grantflow.domain.event import Event
    from grantflow.domain.parts import Attachment
    from grantflow.history import CaseHistory, History

_CLOCK = "clock"


class Why(NamedTuple):
    """The first step of a case that would be refused now: which, by which of the call's rules, in which words."""

    step: str
    rules: tuple[str, ...]
    message: str


class _Attached(Command, frozen=True, kw_only=True):
    """A document attached once more. Its bytes stand in no event, so its own rules are not asked again."""

    attachment: Attachment

    def decide(self, s: Situation) -> Sequence[Event]:
        attached = DocumentAttached(attachment=self.attachment, stamp=s.stamp())
        if s.case.approval is None:
            return [attached]
        return [attached, ApprovalVoided(content=s.case.approval.content, stamp=s.stamp())]


@dataclass
class Life:
    """A case lived again: as it is by now, and what of it was refused."""

    then: CaseHistory
    case: Application = field(init=False)
    why: Why | None = None
    strayed: bool = False
    versions: dict[int, int] = field(default_factory=dict)
    """By the version of each real event that came again, its version now."""

    def __post_init__(self) -> None:
        self.case = Application(id=self.then.id)


def live_again(history: History, call: Call, lives: Mapping[UUID, Life]) -> None:
    """Take every command of these cases again, in the order of the log."""
    _Again(history, call).live(lives)


class _Again:
    """The cases of one call, lived again under one definition and on one frame."""

    def __init__(self, history: History, call: Call) -> None:
        self.history, self.call, self.lookups = history, call, Lookups(history)
        self.frame = Frame(id=NOBODY, limit_ore=call.frame, areas=parts_of(call))

    def live(self, lives: Mapping[UUID, Life]) -> None:
        """Every command again, in the order of the log."""
        told = [together for life in lives.values() for together in commands(life.then.entries)]
        for together in sorted(told, key=lambda one: one[0].position):
            life = lives[together[0].originator_id]
            self._lapse(life, together[0].event.stamp.recorded_at)
            if together[0].event.stamp.step != "move-to-revision":
                self._take_again(life, together)
        for life in lives.values():
            self._lapse(life, self.history.entries[-1].event.stamp.recorded_at)

    def _take_again(self, life: Life, together: tuple[Entry, ...]) -> None:
        first, stamp = together[0], together[0].event.stamp
        moved = life.then.moments[first.originator_version - 1].before.state != together[-1].event.stamp.state
        before = life.case.version
        try:
            self._take(life, stamp.step, self._command(life, together), circumstances(stamp), first.position)
        except Refused as refusal:
            if moved and life.case.state == together[-1].event.stamp.state:
                return  # what it led to is so already: an approval that no move to a revision has voided
            life.strayed = life.strayed or moved
            if life.why is None and (moved or stamp.role != _CLOCK):
                rules = tuple(failure.rule for failure in refusal.failures)
                life.why = Why(stamp.step, rules, str(refusal))
        else:
            life.versions.update(
                (entry.originator_version, version) for version, entry in enumerate(together, before + 1)
            )

    def _command(self, life: Life, together: Sequence[Entry]) -> Command:
        told = [entry.event for entry in together if isinstance(entry.event, CaseEvent)]
        if isinstance(told[0], DocumentAttached):
            return _Attached(attachment=told[0].attachment)
        step, data = retell(told)
        if isinstance(told[0], FactCorrected):
            data["entry"] = life.versions.get(told[0].corrects, 0)
        return command_from(step, data)

    def _take(self, life: Life, step: str, command: Command, by: Circumstances, position: int) -> None:
        authorities = self.lookups.authorities(by.organisation, position) if command.binding else NO_AUTHORITY
        for event in decide(Situation(self.call, life.case, self.frame, by, step, authorities), command):
            if isinstance(event, FrameEvent):
                self.frame = fold_frame(self.frame, [Entry(NOBODY, self.frame.version + 1, event)])
            else:
                life.case = evolve(life.case, Entry(life.case.id, life.case.version + 1, event))

    def _lapse(self, life: Life, at: datetime) -> None:
        """What the clock did in no real case it would do now, in one that went another way: let a draft lapse."""
        case = life.case
        if not life.strayed or not case.version:
            return
        call = self.call.within(case.area, case.stage)
        passed = [
            one for one in call.deadlines.values() if one.passed == "lapse" and case.limit(one.id, call) <= at
        ]
        for deadline in passed:
            limit = case.limit(deadline.id, call)
            by = Circumstances(
                at=max(limit, case.recorded_at or limit),
                person=_CLOCK,
                organisation=call.authority,
                role=_CLOCK,
                channel="whatif",
                command=f"lapse {deadline.id}",
            )
            try:
                self._take(life, "lapse", command_from("lapse", {"deadline": deadline.id}), by, 0)
            except Refused:
                continue
