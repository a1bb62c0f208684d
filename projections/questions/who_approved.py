"""Who approved each application, as what, on whose written authority, and whether that is what was submitted (R22)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.domain.approval import ApplicationApproved
from grantflow.domain.authority import AuthorityDelegated
from grantflow.domain.drafting import DocumentAttached, DocumentDetached, SectionEdited
from grantflow.domain.errors import NoAuthority
from grantflow.domain.submission import ApplicationSubmitted
from grantflow.question import Question, Row, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.domain.event import Entry
    from grantflow.history import CaseHistory, History, Moment


def answer(history: History) -> Iterator[Row]:
    """A row a submission with the approval before it, and one for each approval that nobody submitted."""
    for case in history.cases:
        seen: dict[str, Entry] = {}
        approved: Moment | None = None
        for moment in case.moments:
            event = moment.event
            if isinstance(event, SectionEdited):
                seen[event.section] = moment.entry
            elif isinstance(event, DocumentAttached):
                seen[event.attachment.digest] = moment.entry
            elif isinstance(event, DocumentDetached):
                seen.pop(event.digest, None)
            elif isinstance(event, ApplicationApproved):
                approved = moment
            elif isinstance(event, ApplicationSubmitted):
                yield _row(history, case, approved, moment, seen)
                approved = None
        if approved is not None and approved.after.approval == case.case.approval:
            yield _row(history, case, approved, None, seen)


def _row(
    history: History,
    case: CaseHistory,
    approved: Moment | None,
    submitted: Moment | None,
    seen: dict[str, Entry],
) -> Row:
    yes = approved.event if approved else None
    approval = yes if isinstance(yes, ApplicationApproved) else None
    sent = submitted.event if submitted else None
    content = sent.content if isinstance(sent, ApplicationSubmitted) else ""
    delegation = approval.delegation if approval else None
    moments = [moment for moment in (approved, submitted) if moment]
    return row(
        case,
        [
            *seen.values(),
            *_delegated(history, case, delegation.reference if delegation else ""),
            *(moment.entry for moment in moments),
        ],
        approved_by=approval.stamp.person if approval else "",
        capacity=approval.capacity if approval else "",
        delegation=delegation.reference if delegation else "",
        approved_at=approved.at.isoformat() if approved else "",
        approved=approval.content if approval else "",
        submitted_at=submitted.at.isoformat() if submitted else "",
        submitted=content,
        breach="; ".join(_breaches(history, case, approved, submitted, content)),
    )


def _breaches(
    history: History, case: CaseHistory, approved: Moment | None, submitted: Moment | None, content: str
) -> Iterator[str]:
    if submitted and submitted.before.content_digest != content:
        yield "what was submitted is not the content that the case held"
    approval = approved.event if approved else None
    if approved is None or not isinstance(approval, ApplicationApproved):
        yield "submitted without an approval"
        return
    if submitted and approval.content != content:
        yield "something else was submitted than what was approved"
    if approved.before.content_digest != approval.content:
        yield "what was approved is not the content that the case held"
    stamp = approval.stamp
    if stamp.role != "director" or stamp.organisation != case.case.applicant.number:
        yield f"approved by a {stamp.role} of {stamp.organisation}"
    if approval.capacity == "delegate":
        known = history.authorities(stamp.organisation, approved.entry.position)
        reference = approval.delegation.reference if approval.delegation else ""
        try:
            known.approval(reference, stamp.person, case.case.call, approved.at)
        except NoAuthority as lacking:
            yield str(lacking)


def _delegated(history: History, case: CaseHistory, reference: str) -> list[Entry]:
    """Where the written authority stands in the log."""
    return [
        entry
        for entry in history.authority.get(case.case.applicant.number, ())
        if isinstance(entry.event, AuthorityDelegated) and entry.event.delegation.reference == reference
    ]


question = Question(
    number=1,
    name="who-approved",
    asks="Who approved each application, in what capacity, on which delegation, when, and exactly what did they see?",
    law="the call, on approval by the municipal director or an employee with authority (R22); arkivforskrifta § 11",
    columns=(
        "case",
        "applicant",
        "approved_by",
        "capacity",
        "delegation",
        "approved_at",
        "approved",
        "submitted_at",
        "submitted",
        "breach",
    ),
    answer=answer,
)
