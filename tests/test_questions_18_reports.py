"""Questions 18 to 20: reports that came or did not, what two people signed, and what came back."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from asked import asked, breach, event_of, found
from gathered import changed, clean_year, dropped, gathered, moved, planted
from given import OSLO_KOMMUNE, OWN, REPORT_DEADLINE, Given, Step
from reports import reported, signed
from steps import ACCOUNTS, accept, call_2023, countersign, paid, reduce

from grantflow.domain.digest import digest_of
from grantflow.domain.followup import MarkedOverdue, OverdueFollowedUp, ReminderSent
from grantflow.domain.repayment import RepaymentClaimed, RepaymentNotified, RepaymentReceived
from grantflow.domain.reporting import (
    AccountsCountersigned,
    AccountsSigned,
    CaseClosed,
    ReportAccepted,
    ReportSubmitted,
)
from grantflow.domain.submission import ApplicationSubmitted

if TYPE_CHECKING:
    from grantflow.history import History

FIRST, SECOND = ACCOUNTS["accounts"]["expenses"]
DAY = timedelta(days=1)
TERMS = call_2023().deadlines["report"]


def by_the_clock(step: str, at: datetime, **data: str) -> Step:
    return Step(step, {"deadline": "report", **data}, role="clock", person="clock", at=at)


def reminded() -> Step:
    due = TERMS.reminders[-1]
    return by_the_clock("remind", due, due_at=due.isoformat())


def never_reported() -> History:
    follow_up = TERMS.follow_ups[0]
    again = by_the_clock("follow-up", follow_up, due_at=follow_up.isoformat())
    overdue = by_the_clock("mark-overdue", REPORT_DEADLINE)
    return gathered(call_2023(), Given(call_2023(), *paid(), reminded(), overdue, again))


def test_a_report_that_came_in_time_is_told_with_its_day() -> None:
    first, _ = asked("missing-reports", clean_year())
    assert found(first, "due", "received", "status", "days_late", "missing_at_deadline", "breach") == (
        "2024-02-01T23:00:00+00:00", "2024-01-15T11:00:00+00:00", "in time", 0, False, "",
    )  # fmt: skip
    assert event_of(clean_year(), AccountsCountersigned) in first.events


def test_a_report_that_is_missing_is_found_with_every_reminder() -> None:
    history = never_reported()
    row = breach("missing-reports", history)
    assert found(row, "status", "received", "missing_at_deadline", "breach") == (
        "missing", None, True, "the report is missing",
    )  # fmt: skip
    sent = TERMS.reminders[-1].isoformat()
    assert row.found["reminders"] == [{"sent": sent, "due": sent, "to": OSLO_KOMMUNE}]
    assert row.found["marked_overdue"] == REPORT_DEADLINE.isoformat()
    assert [one["sent"] for one in row.found["follow_ups"]] == [TERMS.follow_ups[0].isoformat()]
    acts = (ReminderSent, MarkedOverdue, OverdueFollowedUp)
    assert {event_of(history, kind) for kind in acts} < {*row.events}


def test_a_missing_report_that_nobody_was_reminded_of_says_so() -> None:
    row = breach("missing-reports", planted(never_reported(), dropped(ReminderSent)))
    assert row.found["breach"] == "the report is missing; no reminder was sent"


def test_a_report_is_not_due_before_its_deadline() -> None:
    history = gathered(call_2023(), Given(call_2023(), *paid()))
    (row,) = asked("missing-reports", history)
    assert found(row, "status", "breach") == ("not due yet", "")


@pytest.mark.parametrize(
    ("at", "status", "days"),
    [
        (REPORT_DEADLINE - timedelta(microseconds=1), "in time", 0),
        (REPORT_DEADLINE, "late", 1),
        (REPORT_DEADLINE + 18 * DAY, "late", 19),
    ],
)
def test_a_late_report_is_late_to_the_instant(at: datetime, status: str, days: int) -> None:
    given, digest = signed()
    history = gathered(call_2023(), given.and_then(countersign(digest).when(at)))
    (row,) = asked("missing-reports", history)
    assert found(row, "status", "days_late") == (status, days)


def test_days_late_that_were_recorded_otherwise_are_found() -> None:
    given, digest = signed()
    late = gathered(call_2023(), given.and_then(reminded(), countersign(digest).when(REPORT_DEADLINE)))
    row = breach("missing-reports", planted(late, changed(AccountsCountersigned, days_late=0)))
    assert row.found["breach"] == "the report came 1 day late; recorded as 0 days late"


def test_a_late_report_on_an_extension_is_in_time() -> None:
    more = {"deadline": "report", "until": "2024-03-01", "reason": "Sykdom."}
    given, digest = signed()
    extended = Step("extend-deadline", more, role="case-officer")
    history = gathered(call_2023(), given.and_then(extended, countersign(digest).when(REPORT_DEADLINE)))
    (row,) = asked("missing-reports", history)
    assert found(row, "due", "extended", "status", "breach") == (
        "2024-03-01T23:00:00+00:00", True, "in time", "",
    )  # fmt: skip


def test_the_accounts_of_a_clean_year_were_signed_by_two() -> None:
    first, _ = asked("accounts", clean_year())
    assert found(first, "signed_by", "countersigned_by", "booked", "outside_year", "breach") == (
        ["kommune-project-lead"], ["kommune-superior"], "800000.00", [], "",
    )  # fmt: skip
    kinds = (ReportSubmitted, AccountsSigned, AccountsCountersigned, ReportAccepted)
    assert first.events == tuple(event_of(clean_year(), kind) for kind in kinds)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (changed(AccountsSigned, stamp={"person": "kommune-superior"}), "one person signed twice"),
        (changed(AccountsSigned, digest="0" * 64), "something else was signed"),
        (dropped(AccountsSigned), "not signed by both project lead and superior"),
        (dropped(AccountsCountersigned), "not signed by both project lead and superior"),
        (moved(AccountsCountersigned, before=AccountsSigned), "the superior signed first"),
        (
            changed(AccountsCountersigned, stamp={"organisation": "987879696"}),
            "signed by somebody outside the recipient",
        ),
        (changed(ReportSubmitted, booked_ore=1), "the report says that 0.01 is booked"),
        (changed(ReportSubmitted, digest="0" * 64), "the digest is not that of the report's content"),
    ],
)
def test_accounts_that_two_people_did_not_sign_alike_are_found(change: Any, text: str) -> None:
    history = planted(clean_year(), change)
    row = breach("accounts", history)
    assert row.found["case"] == "imdi-2023-tillegg-0001"
    assert text in row.found["breach"]
    assert event_of(history, ReportSubmitted) in row.events


def accounts(**fields: Any) -> Any:
    """A change: the first report, and what was signed, has other accounts."""
    content = copy.deepcopy(ACCOUNTS)
    content["accounts"] |= fields
    digest = digest_of(content)

    def change(entries: Any) -> Any:
        entries = changed(ReportSubmitted, content=content, digest=digest)(entries)
        entries = changed(AccountsSigned, digest=digest)(list(entries))
        return changed(AccountsCountersigned, digest=digest)(list(entries))

    return change


def test_a_line_booked_outside_the_year_is_found() -> None:
    wrong = {**SECOND, "booked_on": "2024-01-02"}
    row = breach("accounts", planted(clean_year(), accounts(expenses=[FIRST, wrong])))
    assert found(row, "breach", "outside_year") == ("booked outside 2023: 1 of the lines", [wrong])


def test_support_from_others_that_pays_for_the_same_is_found() -> None:
    support = [{"source": "Husbanken", "amount": "70000.00"}]
    row = breach("accounts", planted(clean_year(), accounts(other_public_support=support)))
    assert found(row, "support_applied", "support_reported") == ("50000.00", "70000.00")
    assert row.found["breach"] == (
        "20000.00 of other public support was not in the application; "
        "grant and other public support are more than what was booked"
    )


@pytest.mark.parametrize(("amount", "shown", "short"), [("300000.00", "0.00", "150000.00"),
    ("400000.00", "100000.00", "50000.00"), ("450000.00", "150000.00", "0.00")])  # fmt: skip
def test_an_own_contribution_that_the_accounts_do_not_show_is_told(
    amount: str, shown: str, short: str
) -> None:
    history = gathered(call_2023(), reported(accounts={"expenses": [FIRST, {**SECOND, "amount": amount}]}))
    (row,) = asked("accounts", history)
    assert found(row, "own_contribution", "own_contribution_shown", "own_contribution_short") == (
        "150000.00", shown, short,
    )  # fmt: skip
    assert row.found["breach"] == ""


def settled() -> History:
    """A case that had 300 000 left, which was notified, claimed and received."""
    answer_limit = datetime(2024, 3, 1, 23, 0, tzinfo=UTC)
    decider = Step("declare-impartiality", {"conflict": False}, role="decider", person="imdi-claims")
    claim = {"due": "2024-04-01", "reason": "Ubrukte midler.", "authority": OWN["imdi-claims"]}
    given = reported(accounts={"expenses": [FIRST]}).and_then(
        accept(),
        decider,
        Step("notify-repayment", {"answer_by": "2024-03-01", "reason": "Ubrukt."}, role="case-officer"),
        Step("claim-repayment", claim, role="decider", person="imdi-claims", at=answer_limit),
        Step("record-repayment", {"amount": "100000.00", "bank_reference": "INN-1"}, role="case-officer"),
        Step("record-repayment", {"amount": "200000.00", "bank_reference": "INN-2"}, role="case-officer"),
    )
    return gathered(call_2023(), given)


def test_nothing_comes_back_where_all_was_spent() -> None:
    assert asked("repayment", clean_year()) == []


def test_what_came_back_is_told_from_notice_to_receipt() -> None:
    history = settled()
    (row,) = asked("repayment", history)
    assert found(row, "unspent", "claimed", "received", "outstanding", "due", "decided_by", "breach") == (
        "300000.00", "300000.00", "300000.00", "0.00", "2024-04-01", "imdi-claims", "",
    )  # fmt: skip
    assert row.found["authority"] == OWN["imdi-claims"]
    kinds = (RepaymentNotified, RepaymentClaimed, RepaymentReceived, CaseClosed)
    assert {event_of(history, kind) for kind in kinds} < {*row.events}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (dropped(RepaymentNotified), "claimed without prior notice, or before the time to answer was over"),
        (
            changed(RepaymentNotified, answer_limit=datetime(2024, 3, 2, 23, 0, tzinfo=UTC)),
            "claimed without prior notice, or before the time to answer was over",
        ),
        (changed(RepaymentClaimed, amount_ore=1), "0.01 was claimed"),
        (dropped(RepaymentReceived), "closed before the money was settled"),
        (changed(ReportAccepted, unspent_ore=1), "recorded as 0.01 unspent"),
        (
            changed(RepaymentReceived, stamp={"recorded_at": datetime(2024, 4, 2, tzinfo=UTC)}, nth=1),
            "received after it was due",
        ),
        (changed(RepaymentReceived, amount_ore=30_000_000), "more was received than was claimed"),
    ],
)
def test_money_that_did_not_come_back_as_it_should_is_found(change: Any, text: str) -> None:
    history = planted(settled(), change)
    row = breach("repayment", history)
    assert text in row.found["breach"]
    assert event_of(history, ReportAccepted) in row.events


def test_money_that_was_left_and_never_asked_for_is_found() -> None:
    everything = changed(ReportAccepted, unspent_ore=0, nth=0)
    less = [{**FIRST}]
    history = planted(
        clean_year(), accounts(expenses=less), changed(ReportSubmitted, booked_ore=1), everything
    )
    row = breach("repayment", history)
    assert "recorded as 0.00 unspent" in row.found["breach"]
    assert "closed before the money was settled" in row.found["breach"]


def test_what_is_claimed_and_past_its_day_is_overdue() -> None:
    whole = settled()
    later = datetime(2024, 5, 1, tzinfo=UTC)
    none = planted(whole, dropped(RepaymentReceived), dropped(RepaymentReceived), dropped(CaseClosed))
    late = planted(none, changed(RepaymentClaimed, stamp={"recorded_at": later}))
    row = breach("repayment", late)
    assert found(row, "outstanding", "breach") == ("300000.00", "overdue")


def test_a_grant_that_is_reduced_before_it_is_paid_leaves_nothing_to_come_back() -> None:
    given = Given(call_2023(), *paid()[:-6])
    assert given.case.decision is not None
    declared = Step("declare-impartiality", {"conflict": False}, role="decider", person="imdi-reducer")
    history = gathered(call_2023(), given.and_then(declared, reduce()))
    assert event_of(history, ApplicationSubmitted)
    assert asked("repayment", history) == []
