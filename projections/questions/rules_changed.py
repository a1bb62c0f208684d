"""Every change of a call's rules, criteria, frame or roles after it was published: when, by whom, and why."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from grantflow.domain.announcement import CallPublished, CallRevised
from grantflow.domain.assessment import CriterionScored
from grantflow.domain.frame import FrameAdjusted, FrameOpened
from grantflow.domain.money import kroner
from grantflow.domain.revised import changes
from grantflow.domain.revision import CaseMovedToRevision
from grantflow.question import Question, Row, row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grantflow.domain.call import Call
    from grantflow.domain.event import Entry
    from grantflow.history import CaseHistory, History

JUDGED_BY = ("areas", "assessors", "criteria", "frame", "process", "rules", "themes")
"""What cases are judged by, who may judge them, and the money they share: nothing to change once that has begun."""
SCORED, CLOSED = "after a score", "after the application deadline"
"""Past which points a change touches cases that stand beside each other."""


@dataclass(frozen=True)
class Change:
    """What was changed, past which point, and why; `wrong` is what is amiss whenever it came."""

    what: str
    when: str
    why: str
    paths: tuple[str, ...]
    wrong: str = ""


def answer(history: History) -> Iterator[Row]:
    """A row a revision, a row a frame that was changed, and a row for each case that was moved to other rules."""
    scored: dict[str, int] = {}
    for case in history.cases:
        first = case.first(CriterionScored)
        if first:
            position = first.entry.position
            scored[case.case.call] = min(scored.get(case.case.call, position), position)
    for call, entries in history.announcements.items():
        declared = [entry for entry in entries if isinstance(entry.event, CallPublished | CallRevised)]
        yield from _revisions(history, declared, scored.get(call))
        yield from _frames(history, declared, history.frames.get(call, ()), scored.get(call))
    paths: dict[tuple[str, str], tuple[str, ...]] = {}
    for case in history.cases:
        yield from _moved(history, case, paths)


def _revisions(history: History, declared: Sequence[Entry], scored: int | None) -> Iterator[Row]:
    for entry in declared:
        call = _definition(history, entry)
        if call.digest != _digest(entry):
            wrong = f"the files have another digest than {_digest(entry)}"
            yield _row(None, entry, Change("definition", "", "", (), wrong))
    for earlier, entry in pairwise(declared):
        before, after = _definition(history, earlier), _definition(history, entry)
        paths = _differing(before, after)
        when = _when(before, entry, scored)
        yield _row(None, entry, Change("revision", when, _grounds(entry), paths))


def _frames(
    history: History, declared: Sequence[Entry], money: Sequence[Entry], scored: int | None
) -> Iterator[Row]:
    """A frame that was changed, or opened with another amount than the call had at that instant."""
    by_command = {entry.event.stamp.command: entry for entry in declared}
    for entry in money:
        event = entry.event
        if not isinstance(event, FrameOpened | FrameAdjusted):
            continue
        source, wrong = by_command.get(event.stamp.command), ""
        if source is None:
            wrong = "the call was not revised with it"
        elif _definition(history, source).frame != event.limit_ore:
            wrong = f"the call says {kroner(_definition(history, source).frame)}"
        if wrong or isinstance(event, FrameAdjusted):
            when = _when(_definition(history, declared[0]), entry, scored)
            why = _grounds(source) if source else ""
            yield _row(None, entry, Change(f"frame {kroner(event.limit_ore)}", when, why, ("frame",), wrong))


def _moved(
    history: History, case: CaseHistory, paths: dict[tuple[str, str], tuple[str, ...]]
) -> Iterator[Row]:
    """`paths` holds what differs between two definitions, so that it is looked for once."""
    for moment in case.each(CaseMovedToRevision):
        event = moment.event
        if isinstance(event, CaseMovedToRevision):
            pair = event.before, event.definition
            if pair not in paths:
                paths[pair] = _differing(*(history.definitions[digest] for digest in pair))
            scores = [one.entry.position for one in case.each(CriterionScored)]
            when = _when(history.call_of(moment.before), moment.entry, min(scores, default=None))
            yield _row(case, moment.entry, Change("case moved", when, event.grounds, paths[pair]))


def _differing(before: Call, after: Call) -> tuple[str, ...]:
    return tuple(change.path for change in changes(before, after))


def _when(before: Call, entry: Entry, scored: int | None) -> str:
    """Past which point the change came: the first score, the first deadline to apply by, or publication alone."""
    limits = [deadline.limit for deadline in before.deadlines_of("submit") if deadline.late == "refuse"]
    if scored is not None and scored < entry.position:
        return SCORED
    if limits and entry.event.stamp.recorded_at >= min(limits):
        return CLOSED
    return "after publication"


def _row(case: CaseHistory | None, entry: Entry, change: Change) -> Row:
    judged = any(path.partition(".")[0].partition("[")[0] in JUDGED_BY for path in change.paths)
    breaches = [change.wrong] if change.wrong else []
    if judged and change.when in (SCORED, CLOSED):
        breaches.append(f"what cases are judged by was changed {change.when}")
    if change.when and not change.why.strip():
        breaches.append("without grounds")
    return row(
        case,
        [entry],
        **({} if case else {"case": "", "applicant": ""}),
        what=change.what,
        at=entry.event.stamp.recorded_at.isoformat(),
        when=change.when,
        person=entry.event.stamp.person,
        why=change.why,
        changed=list(change.paths),
        breach="; ".join(breaches),
    )


def _definition(history: History, entry: Entry) -> Call:
    return history.definitions[_digest(entry)]


def _digest(entry: Entry) -> str:
    event = entry.event
    return event.digest if isinstance(event, CallPublished | CallRevised) else ""


def _grounds(entry: Entry) -> str:
    return entry.event.grounds if isinstance(entry.event, CallRevised) else ""


question = Question(
    number=5,
    name="rules-changed",
    asks="Were rules, criteria, frame or roles changed after publication, the deadline or a score; by whom, and why?",
    law="fvl § 11; bestemmelser om økonomistyring 6.3.3, 4.4.7 (R35)",
    columns=("case", "applicant", "what", "at", "when", "person", "why", "changed", "breach"),
    answer=answer,
)
