"""The money of each call: committed at every event, and each letter against payments, what is outstanding, returned."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.frame import FrameAdjusted, FrameCommitted, FrameEvent, FrameOpened, FrameReleased
from grantflow.domain.letters import LetterIssued
from grantflow.domain.money import Ore, kroner
from grantflow.domain.payment import PaymentConfirmed
from grantflow.domain.repayment import RepaymentReceived
from grantflow.domain.reversal import DecisionReversed, GrantReduced
from grantflow.question import Question, Row, row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from grantflow.domain.event import Entry
    from grantflow.history import CaseHistory, History


class Pencil:
    """A frame added up anew, from nothing but who was to have how much."""

    def __init__(self) -> None:
        self.limit: Ore = 0
        self.areas: dict[str, Ore] = {}
        self.held: dict[UUID, tuple[Ore, str]] = {}
        self.committed: Ore = 0
        self.by_area: dict[str, Ore] = defaultdict(int)

    def take(self, event: FrameEvent) -> Iterator[str]:
        """One event further; what is wrong with it."""
        if isinstance(event, FrameOpened | FrameAdjusted):
            self.limit, self.areas = event.limit_ore, event.areas
        elif isinstance(event, FrameCommitted):
            self._hold(event.case, event.amount_ore, event.area)
        elif isinstance(event, FrameReleased):
            held, area = self.held.get(event.case, (0, event.area))
            if held - event.amount_ore != event.remaining_ore:
                yield f"released {kroner(event.amount_ore)} of {kroner(held)}"
            self._hold(event.case, event.remaining_ore, area)
        if self.committed > self.limit:
            yield f"exceeded by {kroner(self.committed - self.limit)}"
        for area, limit in self.areas.items():
            if self.by_area[area] > limit:
                yield f"the part of {area} exceeded by {kroner(self.by_area[area] - limit)}"
        if isinstance(event, FrameCommitted | FrameReleased | FrameAdjusted):
            said = (event.committed_ore, event.left_ore)
            if said != (self.committed, self.limit - self.committed):
                yield f"it says {kroner(said[0])} committed and {kroner(said[1])} left"

    def _hold(self, case: UUID, amount: Ore, area: str) -> None:
        before, earlier = self.held.get(case, (0, area))
        self.by_area[earlier] -= before
        self.by_area[area] += amount
        self.committed += amount - before
        self.held[case] = amount, area


@dataclass
class Letters:
    """What one case was promised by letter, and what has come of it; `reduced` was paid before a reduction."""

    letter: Ore = 0
    paid: Ore = 0
    outstanding: Ore = 0
    returned: Ore = 0
    reduced: Ore = 0


def answer(history: History) -> Iterator[Row]:
    """A row each time the frame moves, a row for each case with a grant letter, and one for all of a call's letters."""
    for call, entries in history.frames.items():
        pencil = Pencil()
        for entry in entries:
            if isinstance(entry.event, FrameEvent):
                yield _moved(history, entry, pencil)
        total, proof = Letters(), []
        for case in history.cases:
            if case.case.call == call and case.first(ApplicationGranted):
                known, found = _letters(case)
                proof += found
                for name, amount in vars(known).items():
                    setattr(total, name, getattr(total, name) + amount)
                yield _settled(case, known, found, pencil.held.get(case.id, (0, ""))[0])
        yield _row(None, proof, "all letters", total, breach=_unbalanced(total))


def _moved(history: History, entry: Entry, pencil: Pencil) -> Row:
    event = entry.event
    assert isinstance(event, FrameEvent)  # noqa: S101 - asked above
    breach = "; ".join(pencil.take(event))
    case = history.by_id.get(event.case) if isinstance(event, FrameCommitted | FrameReleased) else None
    amounts = {
        "at": event.stamp.recorded_at.isoformat(),
        "limit": kroner(pencil.limit),
        "committed": kroner(pencil.committed),
        "left": kroner(pencil.limit - pencil.committed),
    }
    return _row(case, [entry], event.topic.partition("@")[0], None, breach=breach, **amounts)


def _letters(case: CaseHistory) -> tuple[Letters, list[Entry]]:
    """What was promised, paid and returned. Outstanding is what is left of the plan in the decision, by instalment."""
    known, proof = Letters(), []
    for moment in case.each(
        LetterIssued, PaymentConfirmed, RepaymentReceived, DecisionReversed, GrantReduced
    ):
        event, decision = moment.event, moment.before.decision
        proof.append(moment.entry)
        if isinstance(event, LetterIssued) and decision and decision.outcome == "granted":
            known.letter = decision.amount_ore
        elif isinstance(event, PaymentConfirmed):
            known.paid += event.amount_ore
        elif isinstance(event, RepaymentReceived):
            known.returned += event.amount_ore
        elif isinstance(event, DecisionReversed):
            known.letter = 0
        elif isinstance(event, GrantReduced) and known.letter:
            known.letter = event.amount_ore
            known.reduced = max(0, known.paid - event.amount_ore)
    decision = case.case.decision
    if known.letter and decision:
        left = decision.instalments[case.case.instalments_paid :]
        known.outstanding = sum(instalment.amount_ore for instalment in left)
    return known, proof


def _settled(case: CaseHistory, known: Letters, proof: list[Entry], held: Ore) -> Row:
    decision = case.case.decision
    granted = decision.amount_ore if decision and decision.outcome == "granted" else 0
    breaches = [_unbalanced(known)] if _unbalanced(known) else []
    if granted != held:
        breaches.append(f"{kroner(granted)} is granted, and {kroner(held)} committed")
    if known.returned > known.paid:
        breaches.append("more has come back than was paid")
    return _row(case, proof, "letter", known, breach="; ".join(breaches))


def _unbalanced(known: Letters) -> str:
    """Letters, and what a reduction takes back, are what is kept of the payments, what is to come, and returned."""
    promised = known.letter + known.reduced
    kept = known.paid - known.returned
    accounted = kept + known.outstanding + known.returned
    return "" if promised == accounted else f"{kroner(promised)} promised, {kroner(accounted)} accounted for"


def _row(
    case: CaseHistory | None,
    proof: list[Entry],
    what: str,
    known: Letters | None,
    *,
    breach: str,
    **moved: str,
) -> Row:
    about = {} if case else {"case": "", "applicant": ""}
    money = (
        {
            "letter": known.letter + known.reduced,
            "payments": known.paid - known.returned,
            "outstanding": known.outstanding,
            "returned": known.returned,
        }
        if known
        else {}
    )
    columns = (
        *about,
        "what",
        "at",
        "limit",
        "committed",
        "left",
        "letter",
        "payments",
        "outstanding",
        "returned",
    )
    found = {**moved, **{name: kroner(amount) for name, amount in money.items()}, "what": what}
    return row(case, proof, **{name: found.get(name, "") for name in columns}, breach=breach)


question = Question(
    number=7,
    name="frame",
    asks="What was committed at every event, was the frame exceeded, and where has the money of each letter gone?",
    law="bevilgningsreglementet §§ 5, 6; bestemmelser om økonomistyring 6.3.3, 6.3.5 (R3)",
    columns=(
        "case",
        "applicant",
        "what",
        "at",
        "limit",
        "committed",
        "left",
        "letter",
        "payments",
        "outstanding",
        "returned",
        "breach",
    ),
    answer=answer,
)
