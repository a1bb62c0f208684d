"""Tells people what came of the year: the money, the cases, what was refused and why, and one case from end to end."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rich.text import Text

from grantflow.cli.case_page import history_page
from grantflow.cli.output import bar, plain_table
from grantflow.domain.calendar import OSLO, day
from grantflow.domain.money import kr, ore
from grantflow.rooms import questions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from grantflow.app import App
    from grantflow.demo import Afterword, Audited, Refusal, Year
    from grantflow.domain.call import Call
    from grantflow.domain.process import Process

_BAR = 24
_MOMENTS = {
    "call-published@1": "calls published",
    "call-revised@1": "the call is revised, with grounds",
    "question-answered@1": "questions answered for all to read",
    "authority-delegated@1": "delegations of authority recorded",
    "application-started@2": "applications begun",
    "case-moved-to-revision@1": "moved to the revision, with grounds",
    "application-approved@1": "approvals by a director or delegate",
    "approval-voided@1": "approvals voided by a change",
    "declared-step-taken@1": "steps of a call's own taken",
    "application-submitted@1": "submitted, each with its receipt",
    "stage-opened@1": "invited from sketch to application",
    "reminder-sent@2": "reminders sent by the clock",
    "application-lapsed@1": "lapsed when the deadline passed",
    "deadline-extended@1": "deadlines extended with grounds",
    "impartiality-declared@1": "declarations of impartiality",
    "criterion-scored@1": "points given, with grounds",
    "state-aid-assessed@1": "assessed as state aid",
    "case-assessed@1": "assessments closed",
    "application-withdrawn@1": "withdrawn",
    "application-granted@2": "granted",
    "application-rejected@1": "rejected, with grounds",
    "application-dismissed@1": "dismissed: could not be considered",
    "letter-issued@2": "letters issued, in bokmål or nynorsk",
    "complaint-registered@1": "complaints registered",
    "complaint-answered@1": "complaints answered",
    "reversal-notified@1": "prior notices of reversal or reduction",
    "decision-reversed@1": "decisions reversed (fvl § 35)",
    "frame-released@1": "releases of the frame",
    "grant-reduced@1": "grants reduced",
    "account-registered@1": "accounts registered or changed",
    "payment-confirmed@2": "payments confirmed by the bank",
    "fact-corrected@1": "facts corrected by a new entry",
    "condition-met@1": "special conditions met",
    "condition-waived@1": "special conditions waived",
    "accounts-countersigned@1": "reports and accounts delivered",
    "report-returned@1": "reports returned for correction",
    "marked-overdue@1": "marked overdue by the clock",
    "repayment-received@1": "repayments received",
    "case-closed@1": "cases closed",
}


def year_page(
    console: Console, app: App, year: Year, afterword: Afterword, audits: tuple[Audited, Audited]
) -> None:
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
    _refusals(console, year.refusals, year.call)
    _story_of_one(console, app)
    _audited(console, audits[0])
    _afterword(console, afterword, audits[1])


def _audited(console: Console, audit: Audited) -> None:
    """What the auditor finds: each question with its rows, those that are breaches, and whether the log holds."""
    table = plain_table("What the auditor finds", "question", "asks")
    for column in ("rows", "breaches"):
        table.add_column(column, justify="right")
    for question in questions():
        breaches = audit.breaches.get(question.name, 0)
        table.add_row(question.name, question.asks, str(audit.rows[question.name]), str(breaches or "-"))
    console.print(table)
    _verified(console, audit)


def _verified(console: Console, audit: Audited) -> None:
    faults = f"{audit.faults} faults" if audit.faults else "nothing is wrong"
    console.print(
        f"{audit.sealed} events are sealed in the ledger. Verified (hashes, checkpoint, every event by its rules, "
        f"documents, read models): {faults}.\n",
        highlight=False,
    )


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
        "FROM frame_over_time f JOIN case_list c USING (case_id) JOIN payments p USING (case_id) "
        "ORDER BY f.position"
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


def _afterword(console: Console, told: Afterword, audit: Audited) -> None:
    """The other call: its areas, each with its part of the frame; where its cases stand; and what it refused."""
    call, summary = told.call, told.summary
    if not summary.by_state:
        return
    console.print(Text(call.names["nb"], style="bold"))
    console.print(f"{summary.events} events, {kr(call.frame)} to grant, in two stages.\n", highlight=False)
    table = plain_table("Its areas", "area")
    for column in ("its part of the frame", "applications", "granted"):
        table.add_column(column, justify="right")
    for area, row in summary.by_area.items():
        part = kr(ore(row.frame)) if row.frame else "the rest"
        granted = kr(ore(row.granted_total))
        table.add_row(call.areas[area].name["nb"], part, str(row.applications), granted)
    console.print(table)
    _states(console, summary.by_state, call.process)
    _refusals(console, told.refusals, call)
    _verified(console, audit)


def _refusals(console: Console, all_refusals: Sequence[Refusal], call: Call) -> None:
    rules = {rule.id: rule for rule in call.rules}
    by_reason: dict[str, list[Refusal]] = defaultdict(list)
    for refusal in all_refusals:
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
