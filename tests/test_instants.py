"""The instant that is recorded is the one that counts, also where two machines' clocks differ a little."""

from datetime import timedelta
from typing import TYPE_CHECKING

from given import DEADLINE, REPORT_DEADLINE, Given
from steps import approved, call_2023, countersign, drafted, paid, report, sign, submit

from grantflow.domain.errors import PastDeadline
from grantflow.domain.reporting import AccountsCountersigned
from grantflow.domain.submission import ReceiptIssued

if TYPE_CHECKING:
    from grantflow.domain.event import Event

SECOND = timedelta(seconds=1)


def test_what_would_be_recorded_after_the_deadline_is_refused_though_the_senders_clock_is_behind() -> None:
    given = Given(call_2023(), *drafted(), approved().when(DEADLINE + 2 * SECOND))
    given.when(submit().when(DEADLINE - SECOND)).refused(PastDeadline)


def test_a_receipt_names_the_instant_that_was_recorded() -> None:
    at = DEADLINE - 3 * SECOND
    outcome = Given(call_2023(), *drafted(), approved().when(at)).when(submit().when(at - SECOND))
    assert [e.received_at for e in outcome.events if isinstance(e, ReceiptIssued)] == [at]


def test_a_report_recorded_late_is_late_though_the_senders_clock_is_behind() -> None:
    given = Given(call_2023(), *paid(), report())
    digest = given.case.report.digest if given.case.report else ""
    given = given.and_then(sign(digest).when(REPORT_DEADLINE))
    outcome = given.when(countersign(digest).when(REPORT_DEADLINE - SECOND))
    assert outcome.then(AccountsCountersigned).report is not None
    delivered: Event = outcome.events[0]
    assert isinstance(delivered, AccountsCountersigned)
    assert (delivered.stamp.recorded_at, delivered.days_late) == (REPORT_DEADLINE, 1)
