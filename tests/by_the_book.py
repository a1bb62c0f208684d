"""A case followed with a pencil: what stands after each event, and what the safety rules say of the next one.

Written from the rules and not from the decisions, so that the one can be held against the other.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, ClassVar

from grantflow.domain import (
    approval,
    assessment,
    casework,
    conditions,
    decision,
    declared,
    drafting,
    followup,
    letters,
    payment,
    repayment,
    reporting,
    reversal,
    revision,
    state_aid,
    submission,
)
from grantflow.domain.roles import DIRECTORATE, MACHINES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from grantflow.domain.call import Call, Deadline
    from grantflow.domain.event import Event


class Book:
    """What stands in one case, written down event by event. Amounts in øre."""

    def __init__(self, calls: Mapping[str, Call], authority_of: Callable[[str], str]) -> None:
        self.calls, self.authority_of = calls, authority_of
        self.call: Call | None = None
        self.area = ""
        self.extended: dict[str, datetime] = {}
        self.approved = self.told = self.submitted = self.assessed = False
        self.approved_content = ""
        self.state_aid = False
        self.granted = 0
        self.decided = ""
        self.lettered = False
        self.heard: dict[str, datetime] = {}
        self.notice = ""
        self.account = ""
        self.conditions: set[str] = set()
        self.attested: tuple[int, str] | None = None
        self.authorised: tuple[int, str] | None = None
        self.paid = self.claimed = self.received = 0
        self.report = ""
        self.signed_by = ""
        self.impartial: dict[str, bool] = {}
        self.took: dict[str, set[str]] = {}
        self.last: datetime | None = None

    def follow(self, events: Sequence[Event]) -> Book:
        """Each event in its order; AssertionError at the first that the rules do not allow."""
        for event in events:
            self._stamp(event)
            rule = self.RULES.get(type(event))
            if rule is not None:
                rule(self, event)
        return self

    def _stamp(self, event: Event) -> None:
        stamp = event.stamp
        assert self.last is None or stamp.recorded_at >= self.last, "the clock runs backwards"
        self.last = stamp.recorded_at
        self.took.setdefault(stamp.step, set()).add(stamp.person)
        if self.call is None or isinstance(event, casework.ImpartialityDeclared):
            return
        step = self.call.process.steps.get(stamp.step)
        if step is not None and step.impartial and stamp.role in DIRECTORATE - MACHINES:
            assert self.impartial.get(stamp.person) is True, f"{stamp.person} has not said to be impartial"
        for apart in self.call.process.apart:
            for one, other in combinations(apart.steps, 2):
                both = self.took.get(one, set()) & self.took.get(other, set())
                assert not both, f"{both} took both {one} and {other}"

    def _started(self, event: drafting.ApplicationStarted) -> None:
        self.area = event.area
        self.call = self.calls[event.definition].within(event.area, "")

    def _moved(self, event: revision.CaseMovedToRevision) -> None:
        assert self.call is not None
        self.call = self.calls[event.definition].within(self.area, self.call.stage)

    def _extended(self, event: followup.DeadlineExtended) -> None:
        self.extended[event.deadline] = event.limit

    def _deadlines(self) -> list[Deadline]:
        """The deadlines after which nobody may apply any more."""
        assert self.call is not None
        return [one for one in self.call.deadlines_of("submit") if one.late == "refuse"]

    def _changed(self, _: Event) -> None:
        self.approved = False

    def _approved(self, event: approval.ApplicationApproved) -> None:
        self.approved, self.approved_content = True, event.content

    def _submitted(self, event: submission.ApplicationSubmitted) -> None:
        assert self.approved, "submitted without approval"
        assert event.content == self.approved_content, "something else was approved"
        for one in self._deadlines():
            assert event.stamp.recorded_at < self.extended.get(one.id, one.limit), "submitted too late"
        self.submitted, self.assessed = True, False

    def _opened(self, event: declared.StageOpened) -> None:
        assert self.assessed, "a stage opened without an assessment of the one before"
        assert self.call is not None
        self.call = self.calls[self.call.digest].within(self.area, event.stage)
        self.approved = self.submitted = self.assessed = False

    def _impartiality(self, event: casework.ImpartialityDeclared) -> None:
        self.impartial[event.stamp.person] = not event.conflict

    def _assessed(self, _: assessment.CaseAssessed) -> None:
        assert self.submitted, "assessed before it was submitted"
        self.assessed = True

    def _aid(self, _: state_aid.StateAidAssessed) -> None:
        self.state_aid = True

    def _granted(self, event: decision.ApplicationGranted) -> None:
        assert self.submitted, "granted without a submission"
        assert self.assessed, "granted without an assessment"
        assert self.state_aid, "granted without a state-aid assessment"
        self._decide(event, "granted")
        self.granted = event.amount_ore
        self.conditions = {one.id for one in event.conditions if one.blocking}

    def _decide(self, event: Event, outcome: str) -> None:
        assert not self.decided, f"decided twice: {self.decided}, then {outcome}"
        assert event.stamp.authority == self.authority_of(event.stamp.person), (
            "without authority of one's own"
        )
        self.decided, self.lettered, self.told = outcome, False, False

    def _rejected(self, event: decision.ApplicationRejected) -> None:
        assert self.assessed, "rejected without an assessment"
        self._decide(event, "rejected")

    def _dismissed(self, event: decision.ApplicationDismissed) -> None:
        self._decide(event, "dismissed")

    def _lettered(self, _: letters.LetterIssued) -> None:
        self.lettered = self.told = True

    def _noticed(self, event: reversal.ReversalNotified) -> None:
        self.notice = "reversal"
        self.heard[self.notice] = event.answer_limit

    def _notified(self, event: repayment.RepaymentNotified) -> None:
        self.notice = "repayment"
        self.heard[self.notice] = event.answer_limit

    def _answered(self, event: reversal.NoticeAnswered) -> None:
        self.heard[self.notice] = event.stamp.recorded_at

    def _against(self, event: Event, what: str = "reversal") -> None:
        """To the party's detriment, once they have been told: they have been heard, or have had time to be."""
        assert event.stamp.authority == self.authority_of(event.stamp.person), (
            "without authority of one's own"
        )
        if self.told and self.decided == "granted":
            assert what in self.heard, "no prior notice"
            assert self.heard.pop(what) <= event.stamp.recorded_at, "before the time to answer was over"

    def _reversed(self, event: reversal.DecisionReversed) -> None:
        assert self.decided == event.outcome, "something else was decided"
        assert self.paid == 0, "reversed after payment"
        assert self.authorised is None, "reversed while money was on its way"
        self._against(event)
        self.decided, self.lettered, self.attested, self.granted = "", False, None, 0

    def _reduced(self, event: reversal.GrantReduced) -> None:
        assert event.before_ore == self.granted > event.amount_ore >= self.paid, "not a reduction"
        assert self.authorised is None, "reduced while money was on its way"
        self._against(event)
        self.granted, self.lettered, self.attested = event.amount_ore, False, None

    def _met(self, event: conditions.ConditionMet | conditions.ConditionWaived) -> None:
        self.conditions.discard(event.condition)

    def _account(self, event: payment.AccountRegistered) -> None:
        assert self.authorised is None, "the account changed while money was on its way"
        self.account = event.account

    def _attested(self, event: payment.PaymentAttested) -> None:
        assert self.decided == "granted", "attested without a grant"
        assert self.lettered, "attested before the letter"
        assert event.account == self.account != "", "attested to another account"
        assert 0 < event.amount_ore <= self.granted - self.paid, "attested more than is left of the grant"
        last = self.paid + event.amount_ore == self.granted
        assert not (last and self.conditions), f"attested while {self.conditions} is open"
        self.attested = event.amount_ore, event.account

    def _authorised(self, event: payment.PaymentAuthorised) -> None:
        assert self.lettered, "authorised before the letter"
        assert self.attested == (event.amount_ore, event.account), (
            "authorised something else than was attested"
        )
        assert self.account == event.account, "authorised to an account that is not in force"
        self.authorised = self.attested

    def _confirmed(self, event: payment.PaymentConfirmed) -> None:
        assert self.authorised == (event.amount_ore, event.account), "paid something else than was authorised"
        self.paid += event.amount_ore
        assert all(event.stamp.recorded_at >= one.limit for one in self._deadlines()), "paid too early"
        assert self.paid <= self.granted, "paid more than was granted"
        assert (event.outstanding_ore == 0) == (self.paid == self.granted)
        self.attested = self.authorised = None

    def _reported(self, event: reporting.ReportSubmitted) -> None:
        assert self.paid, "reported before anything was paid"
        self.report, self.signed_by = event.digest, ""

    def _returned(self, _: reporting.ReportReturned) -> None:
        self.report = self.signed_by = ""

    def _signed(self, event: reporting.AccountsSigned) -> None:
        assert event.digest == self.report != "", "signed something else than was delivered"
        self.signed_by = event.stamp.person

    def _countersigned(self, event: reporting.AccountsCountersigned) -> None:
        assert event.digest == self.report, "countersigned something else"
        assert self.signed_by not in ("", event.stamp.person), "two signatures by one person"

    def _claimed(self, event: repayment.RepaymentClaimed) -> None:
        assert event.amount_ore <= self.paid, "claimed more than was paid"
        self._against(event, "repayment")
        self.claimed = event.amount_ore

    def _received(self, event: repayment.RepaymentReceived) -> None:
        self.received += event.amount_ore
        assert self.received <= self.claimed, "received more than was claimed"

    def _lapsed(self, event: submission.ApplicationLapsed) -> None:
        assert event.due_at <= event.stamp.recorded_at, "lapsed too early"
        assert not self.submitted, "lapsed though it was submitted"

    RULES: ClassVar[dict[type[Event], Callable[..., None]]] = {
        drafting.ApplicationStarted: _started,
        drafting.SectionEdited: _changed,
        drafting.DocumentAttached: _changed,
        drafting.DocumentDetached: _changed,
        drafting.ApprovalVoided: _changed,
        revision.CaseMovedToRevision: _moved,
        approval.ApplicationApproved: _approved,
        submission.ApplicationSubmitted: _submitted,
        submission.ApplicationLapsed: _lapsed,
        declared.StageOpened: _opened,
        followup.DeadlineExtended: _extended,
        casework.ImpartialityDeclared: _impartiality,
        assessment.CaseAssessed: _assessed,
        state_aid.StateAidAssessed: _aid,
        decision.ApplicationGranted: _granted,
        decision.ApplicationRejected: _rejected,
        decision.ApplicationDismissed: _dismissed,
        letters.LetterIssued: _lettered,
        reversal.ReversalNotified: _noticed,
        reversal.NoticeAnswered: _answered,
        reversal.DecisionReversed: _reversed,
        reversal.GrantReduced: _reduced,
        conditions.ConditionMet: _met,
        conditions.ConditionWaived: _met,
        payment.AccountRegistered: _account,
        payment.PaymentAttested: _attested,
        payment.PaymentAuthorised: _authorised,
        payment.PaymentConfirmed: _confirmed,
        reporting.ReportSubmitted: _reported,
        reporting.ReportReturned: _returned,
        reporting.AccountsSigned: _signed,
        reporting.AccountsCountersigned: _countersigned,
        repayment.RepaymentNotified: _notified,
        repayment.RepaymentClaimed: _claimed,
        repayment.RepaymentReceived: _received,
    }
