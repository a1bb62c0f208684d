"""Tells people what came of the year: the money, the cases, what was refused and why, and one case from end to end."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rich.text import Text

from grantflow.cli.case_page import history_page
from grantflow.cli.output import bar, plain_table
from grantflow.domain.calendar import OSLO, day
from grantflow.domain.money import kr

if TYPE_CHECKING:
    from rich.console import Console

    from grantflow.app import App
    from grantflow.demo import Refusal, Year
    from grantflow.domain.process import Process

_BAR = 24
_MOMENTS = {
    "call-published@1": "the call is published",
    "question-answered@1": "questions answered for all to read",
    "application-started@1": "applications begun",
    "application-approved@1": "approvals by a director or delegate",
    "approval-voided@1": "approvals voided by a change",
    "application-submitted@1": "submitted, each with its receipt",
    "reminder-sent@1": "reminders sent by the clock",
    "application-lapsed@1": "lapsed when the deadline passed",
    "deadline-extended@1": "deadlines extended with grounds",
    "impartiality-declared@1": "declarations of impartiality",
    "criterion-scored@1": "points given, with grounds",
    "case-assessed@1": "assessments closed",
    "application-withdrawn@1": "withdrawn",
    "application-granted@1": "granted",
    "application-rejected@1": "rejected, with grounds",
    "letter-issued@1": "letters issued",
    "payment-confirmed@1": "payments confirmed by the bank",
    "accounts-countersigned@1": "reports and accounts delivered",
    "marked-overdue@1": "marked overdue by the clock",
    "repayment-received@1": "repayments received",
    "case-closed@1": "cases closed",
}


def year_page(console: Console, app: App, year: Year) -> None:
    """Print the year for people."""
    call, summary = year.call, year.summary
    console.print(Text(call.names["nb"], style="bold"))
    console.print(
        f"{summary.applications} applications, {summary.events} events, {kr(call.frame)} to grant.\n",
        highlight=False,
    )
    _timeline(console, app)
    _frame(console, app, call.frame)
    _states(console, summary.by_state, call.process)
    _refusals(console, year)
    _story_of_one(console, app)


def _timeline(console: Console, app: App) -> None:
    rows = app.projector.rows(
        "SELECT topic, count(*)::int AS events, min(recorded_at) AS first, max(recorded_at) AS last "
        "FROM audit_trail WHERE topic = ANY(%(topics)s) GROUP BY topic ORDER BY first, topic",
        {"topics": list(_MOMENTS)},
    )
    table = plain_table("The year", "when", "", "what")
    for row in rows:
        first, last = row["first"].astimezone(OSLO), row["last"].astimezone(OSLO)
        span = day(first) if day(first) == day(last) else f"{first:%d.%m.} - {day(last)}"
        table.add_row(span, str(row["events"]), _MOMENTS[row["topic"]])
    console.print(table)


def _frame(console: Console, app: App, frame: int) -> None:
    rows = app.projector.rows(
        "SELECT c.number, c.applicant_name, c.title, c.asked_ore, f.amount_ore, f.left_ore, p.paid_ore, p.repaid_ore "
        "FROM frame_over_time f JOIN case_list c USING (case_id) JOIN payments p USING (case_id) ORDER BY f.position"
    )
    table = plain_table("The frame and where it went", "case", "municipality", "project")
    for column in ("asked", "granted", "paid", "came back", "left"):
        table.add_column(column, justify="right")
    table.add_column("used")
    for row in rows:
        used = bar(frame - row["left_ore"], frame, _BAR)
        amounts = (row[name] for name in ("asked_ore", "amount_ore", "paid_ore", "repaid_ore", "left_ore"))
        table.add_row(row["number"][-4:], row["applicant_name"], row["title"], *map(kr, amounts), used)
    console.print(table if rows else "Nothing was granted.\n")


def _states(console: Console, by_state: dict[str, int], process: Process) -> None:
    table = plain_table("Where the cases stand", "state", "", "")
    most = max(by_state.values(), default=0)
    for state in process.states.values():
        count = by_state.get(state.id, 0)
        if count:
            name = f"{state.name.get('en', state.id)} ({state.name['nb'].lower()})"
            table.add_row(name, str(count), bar(count, most, _BAR))
    console.print(table)


def _refusals(console: Console, year: Year) -> None:
    rules = {rule.id: rule for rule in year.call.rules}
    by_reason: dict[str, list[Refusal]] = defaultdict(list)
    for refusal in year.refusals:
        for reason in refusal.rules or (refusal.detail,):
            by_reason[reason].append(refusal)
    table = plain_table("What was refused, and why", "", "tried", "the answer")
    for reason, refusals in sorted(by_reason.items(), key=lambda item: (item[0] in rules, item[1][0].at)):
        rule = rules.get(reason)
        answer = f"{rule.message['en']} ({rule.rule}: {rule.source})" if rule else refusals[0].detail
        table.add_row(str(len(refusals)), refusals[0].step, answer)
    console.print(table)


def _story_of_one(console: Console, app: App) -> None:
    """The closed case with the most events: every one, as an auditor reads them."""
    found = app.projector.rows(
        "SELECT case_id, number, applicant_name FROM case_list "
        "ORDER BY state = 'closed' DESC, version DESC, number LIMIT 1"
    )
    for row in found:
        title = f"Case {row['number']}, {row['applicant_name']}: its whole history"
        history_page(console, title, app.store.load(row["case_id"]))
