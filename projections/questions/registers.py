"""Whether each submission has its receipt, each document its digest, each case its number and an end."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from grantflow.domain.application import CaseEvent
from grantflow.domain.call import Call
from grantflow.domain.drafting import ApplicationStarted, DocumentAttached, DocumentDetached
from grantflow.domain.event import Entry
from grantflow.domain.submission import ApplicationSubmitted, ReceiptIssued
from grantflow.history import CaseHistory, History, Moment
from grantflow.question import Question, Row, row

DIGEST = re.compile(r"[0-9a-f]{64}")


def answer(history: History) -> Iterator[Row]:
    """Each case in the order of the log, then each event that belongs to no case that was begun."""
    end, numbers = history.end, defaultdict[str, int](int)
    for case in history.cases:
        numbers[case.case.call] += 1
        expected = f"{case.case.call}-{numbers[case.case.call]:04d}"
        yield _row(case, history.call_of(case.case), expected, end)
    begun = {case.id for case in history.cases}
    for entry in history.entries:
        if isinstance(entry.event, CaseEvent) and entry.originator_id not in begun:
            yield _unnumbered(entry)


def _row(case: CaseHistory, call: Call, number: str, end: datetime) -> Row:
    now, submissions = case.case, list(case.each(ApplicationSubmitted))
    documents = list(case.each(DocumentAttached, DocumentDetached))
    state = call.process.states.get(now.state)
    ended = state is not None and state.final
    wrong = {
        f"the number should be {number}": case.number != number,
        "begun more than once": sum(1 for _ in case.each(ApplicationStarted)) > 1,
        f"stands in '{now.state}', which the process does not have": state is None,
    }
    return row(
        case,
        [entry.entry for entry in (case.moments[0], *submissions, *case.each(ReceiptIssued), *documents)]
        + [case.moments[-1].entry] * (len(case.moments) > 1),
        begun=case.moments[0].at.isoformat(),
        submissions=len(submissions),
        receipts=sum(1 for _ in case.each(ReceiptIssued)),
        documents=[attachment.digest for attachment in now.attachments],
        state=now.state,
        ended=case.moments[-1].at.isoformat() if ended else None,
        breach="; ".join(
            [
                *(text for text, holds in wrong.items() if holds),
                *_receipts(case, submissions),
                *_documents(documents),
                *_left_open(case, call, end),
            ]
        ),
    )


def _receipts(case: CaseHistory, submissions: list[Moment]) -> Iterator[str]:
    """Each submission is what its events add up to, and has the receipt that the same command gave (fvl § 11 a)."""
    given = [
        (moment.event.stamp.command, moment.event.content, moment.event.received_at)
        for moment in case.each(ReceiptIssued)
        if isinstance(moment.event, ReceiptIssued)
    ]
    for moment in submissions:
        event = moment.event
        if not isinstance(event, ApplicationSubmitted):
            continue
        if given.count((event.stamp.command, event.content, event.stamp.recorded_at)) != 1:
            yield f"the submission of {event.stamp.recorded_at.isoformat()} has not its one receipt"
        if event.content != moment.before.content_digest:
            yield "what was submitted is not what its edits and documents add up to"
    if len(given) > len(submissions):
        yield "a receipt without a submission"


def _documents(documents: list[Moment]) -> Iterator[str]:
    """A document is known by its digest, attached once, and taken out only where it was attached."""
    for moment in documents:
        event, known = moment.event, {one.digest for one in moment.before.attachments}
        if isinstance(event, DocumentAttached):
            if not DIGEST.fullmatch(event.attachment.digest):
                yield f"{event.attachment.filename} has no digest"
            elif event.attachment.digest in known:
                yield f"{event.attachment.filename} was attached before, and not taken out"
        elif isinstance(event, DocumentDetached) and event.digest not in known:
            yield f"{event.digest[:12]} was taken out, and never attached"


def _left_open(case: CaseHistory, call: Call, end: datetime) -> Iterator[str]:
    """A draft whose deadline has passed has come to its end, and says so."""
    lapse = call.process.steps.get("lapse")
    for terms in call.deadlines.values():
        states = terms.states or tuple(lapse.moves if lapse else ())
        limit = case.case.limit(terms.id, call)
        if terms.passed == "lapse" and case.case.state in states and limit <= end:
            yield f"still '{case.case.state}' though the {terms.id} deadline passed {limit.isoformat()}"


def _unnumbered(entry: Entry) -> Row:
    return row(
        None,
        [entry],
        case="",
        applicant="",
        begun=None,
        submissions=0,
        receipts=0,
        documents=[],
        state=entry.event.stamp.state,
        ended=None,
        breach=f"{entry.event.topic} in the case {entry.originator_id}, which was never begun",
    )


question = Question(
    number=26,
    name="registers",
    asks="Has each submission its receipt, each document its digest, each case its number, and an end?",
    law="forvaltningsloven § 11 a; arkivlova §§ 5, 13; arkivforskrifta §§ 14-15",
    columns=(
        "case", "applicant", "begun", "submissions", "receipts", "documents", "state", "ended", "breach",
    ),
    answer=answer,
)  # fmt: skip
