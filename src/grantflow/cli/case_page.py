"""A case as people read it: a page of what is known, and its history event by event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from grantflow.cli.output import plain_table
from grantflow.domain.calendar import clock
from grantflow.domain.money import kr
from grantflow.domain.person import NOBODY_NAMED, called
from grantflow.sayings import saying

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from grantflow.domain.application import Application
    from grantflow.domain.call import Call
    from grantflow.domain.event import Entry
    from grantflow.domain.standing import Standing

Fact = tuple[str, str]


def case_page(out: Console, number: str, case: Application, call: Call) -> None:
    """Print all that matters about a case, and what can be done with it now."""
    call = call.within(case.area, case.stage)
    state = call.process.states[case.state]
    names = state.name
    title = case.title or case.content.get("project", {}).get("title", "(no title yet)")
    out.print(f"{number}  {case.applicant.name} ({case.applicant.number})  «{title}»", style="bold")
    out.print(f"{names.get('en', case.state)} ({names['nb'].lower()}), version {case.version}\n")
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in (
        *_application(case, call),
        *_handling(case),
        *_decision(case),
        *_money(case),
        *_report(case),
        *_afterwards(case),
    ):
        table.add_row(name, value)
    out.print(table)
    steps = [call.process.steps[step] for step in call.process.steps_from(case.state)]
    possible = plain_table("Possible now", "step", "by")
    for step in steps:
        if step.roles != ("clock",):
            possible.add_row(step.id, ", ".join(step.roles))
    if possible.row_count:
        out.print(possible)


def history_page(
    out: Console, title: str, entries: Sequence[Entry], names: Mapping[str, str] = NOBODY_NAMED
) -> None:
    """Print every event: when, who, in which role, what, on what authority, and the state it led to.

    Who has a name in `names` is told by it, the pseudonym beside it.
    """
    table = plain_table(title, "when", "who", "role", "what", "on what authority", "state")
    for entry in entries:
        stamp = entry.event.stamp
        what = saying(entry.event)
        if stamp.effective_at is not None:
            what += f" (happened {clock(stamp.effective_at)})"
        who = called(stamp.person, names)
        table.add_row(clock(stamp.recorded_at), who, stamp.role, what, stamp.authority or "", stamp.state)
    out.print(table)


def told_apart(out: Console, stood: Standing) -> None:
    """Print what had happened by then and was recorded later: corrections read into the page, and the rest."""
    for title, entries in (
        ("Recorded later, and read into this page", stood.corrections),
        ("Had happened by then too, recorded later, not in this page", stood.apart),
    ):
        if entries:
            history_page(out, title, entries)


def _application(case: Application, call: Call) -> Iterator[Fact]:
    yield "call", f"{case.call}, definition {case.definition[:12]}"
    if case.area:
        stage = call.stages[call.stage].name
        yield "area", f"{call.areas[case.area].name['nb']}, at the stage «{stage['nb']}»"
    for earlier in case.earlier:
        yield f"stage {earlier.stage}", f"submitted {earlier.submitted[:12]}, assessed at {earlier.score}"
    yield "filled in", ", ".join(case.content) or "nothing yet"
    yield "content digest", case.content_digest
    for deadline in call.deadlines:
        limit = case.limit(deadline, call)
        extended = " (extended)" if deadline in case.extensions else ""
        overdue = " (overdue)" if deadline in case.overdue else ""
        yield f"{deadline} deadline", f"before {clock(limit)}{extended}{overdue}"
    for attachment in case.attachments:
        yield "attachment", f"{attachment.filename}, {attachment.size} bytes, {attachment.digest[:12]}"
    if case.approval is not None:
        approval = case.approval
        on = f", on {approval.delegation.reference}" if approval.delegation else ""
        yield "approved", f"{clock(approval.at)} by {approval.person} as {approval.capacity}{on}"
    if case.submitted is not None:
        yield "submitted", f"content {case.submitted[:12]}, asks for {kr(case.asked_ore)}"


def _handling(case: Application) -> Iterator[Fact]:
    for step, taken in case.declared.items():
        about = "" if taken.about == case.content_digest else ", on an earlier content"
        yield step, f"{clock(taken.at)} by {taken.person}{about}"
    if case.case_officer:
        yield "case officer", case.case_officer
    for request in case.requests:
        yield f"request {request.number}", f"{request.what} → {request.answer or 'not answered'}"
    for body, statement in case.statements.items():
        yield f"{body}'s statement", statement
    for score in case.scores:
        yield "points", f"{score.points} on {score.criterion} by {score.assessor}: {score.grounds}"
    if case.assessment is not None:
        assessment = case.assessment
        yield (
            "assessment",
            f"{assessment.score}: {assessment.recommendation} {kr(assessment.amount_ore)}, {assessment.grounds}",
        )


def _decision(case: Application) -> Iterator[Fact]:
    decision = case.decision
    if case.state_aid is not None:
        yield "state aid", f"{case.state_aid.conclusion}: {case.state_aid.grounds}"
    for reversal in case.reversals:
        yield (
            "reversed",
            f"{reversal.outcome}, {clock(reversal.at)} by {reversal.person} (§ 35: {reversal.case_of_35})",
        )
    if decision is not None:
        amount = f" {kr(decision.amount_ore)}" if decision.amount_ore else ""
        yield (
            "decision",
            f"{decision.outcome}{amount}, {clock(decision.at)} by {decision.person} on {decision.authority}",
        )
        yield "grounds", f"{decision.grounds.rule} {decision.grounds.facts} {decision.grounds.considerations}"
        for condition in decision.conditions:
            ended = case.conditions.get(condition.id)
            how = (
                f", {ended.outcome}: {ended.why}"
                if ended
                else ", blocks payment"
                if condition.blocking
                else ""
            )
            yield "condition", f"{condition.text} (by {condition.due:%d.%m.%Y}){how}"


def _money(case: Application) -> Iterator[Fact]:
    decision, payment = case.decision, case.payment
    if decision is not None and len(decision.instalments) > 1:
        parts = ", ".join(kr(one.amount_ore) for one in decision.instalments)
        yield "instalments", f"{parts}: {case.instalments_paid} paid, {kr(case.paid_ore)} in all"
    if case.exemption is not None:
        yield "exemption", f"{case.exemption.reference}, {case.exemption.decided_by}"
    if payment is not None:
        hands = f"attested by {payment.attested_by}"
        hands += f", authorised by {payment.authorised_by}" if payment.authorised_by else ""
        hands += f", paid ({payment.bank_reference})" if payment.bank_reference else ""
        yield "payment", f"{kr(payment.amount_ore)} to {payment.account}: {hands}"


def _report(case: Application) -> Iterator[Fact]:
    report, repayment = case.report, case.repayment
    if report is not None:
        signed = " and ".join(name for name in (report.signed_by, report.countersigned_by) if name)
        late = f", {report.days_late} day(s) late" if report.days_late else ""
        yield "report", f"{kr(report.booked_ore)} booked, signed by {signed or 'nobody yet'}{late}"
        yield "report digest", report.digest
        if report.accepted_by:
            yield "accepted", f"by {report.accepted_by}"
    if repayment is not None:
        yield (
            "repayment",
            (
                f"{kr(repayment.unspent_ore)} unspent, {kr(repayment.claimed_ore)} claimed, "
                f"{kr(repayment.received_ore)} received"
            ),
        )


def _afterwards(case: Application) -> Iterator[Fact]:
    if case.notice is not None:
        answer = case.notice.answer or f"may be answered before {clock(case.notice.answer_limit)}"
        yield f"notice of {case.notice.what}", f"{case.notice.reason} → {answer}"
    for complaint in case.complaints:
        yield f"complaint {complaint.number}", f"{complaint.text} → {complaint.outcome or 'not answered'}"
    for correction in case.corrections:
        yield (
            "corrected",
            f"entry {correction.corrects}, {correction.field}: {correction.before} → {correction.after}",
        )
