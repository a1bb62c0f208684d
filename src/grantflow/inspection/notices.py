"""What can be wrong with the notices: nobody to tell, nothing to tell of, words that are missing or can't be put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.domain.command import WHEN_PASSED
from grantflow.domain.notice_rules import RECIPIENTS
from grantflow.domain.occasions import ALWAYS, EVENTS, TIMED, WITH_DEADLINE
from grantflow.domain.wording import BadWordingError, wording
from grantflow.inspection.finding import nearest
from grantflow.inspection.tables import (
    LANGUAGES,
    check_known,
    check_texts,
    check_unique,
    names,
    text,
    texts,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grantflow.inspection.outline import Outline
    from grantflow.inspection.source import Source, Where

Table = dict[str, Any]
Named = tuple["Where", str]
"""A file that is named, and where."""

_COMING = {"reminder-sent": "reminders_days_before", "overdue-followed-up": "follow_ups_days_after"}
"""What a deadline must declare for these events to come."""


def check_notices(
    source: Source, call: Source, process: Outline | None, named: Callable[[Where, str], Source | None]
) -> None:
    """Check each notice by itself, beside the call and its process, and its words; `named` reads a file."""
    check_unique(source, "notices")
    for where, notice in source.tables("notices"):
        check_texts(source, where, notice, "subject")
        check_known(source, where, notice, "to", RECIPIENTS, "nobody can be told in the role")
        for key in ("to", "channels"):
            if notice.get(key) == []:
                source.add(
                    (*where, key), f"the notice '{text(notice, 'id')}' goes to nobody: '{key}' is empty"
                )
        _when(source, where, notice)
        _occasion(source, where, notice, call, process)
        _words(source, where, notice, named)


def _when(source: Source, where: Where, notice: Table) -> None:
    """It says when it is sent in one way, and a number of days that can be."""
    days = [key for key in ("days_before", "days_after") if key in notice]
    if text(notice, "on") and days:
        source.add(
            (*where, days[0]), "a notice is sent on an event, or so many days from a deadline: not both"
        )
    elif not text(notice, "on") and (not text(notice, "deadline") or len(days) != 1):
        message = "say when: 'on' an event, or 'deadline' with one of 'days_before' and 'days_after'"
        source.add(where, f"the notice '{text(notice, 'id')}' is never sent; {message}")
    for key, least in (("days_before", 0), ("days_after", 1), ("within_days", 1)):
        number = notice.get(key)
        if isinstance(number, int) and number < least:
            source.add((*where, key), f"'{key}' must be at least {least}")
    if notice.get("digest") and "email" not in texts(notice, "channels"):
        source.add((*where, "digest"), "only mails are gathered, and this notice is not sent by 'email'")


def _occasion(source: Source, where: Where, notice: Table, call: Source, process: Outline | None) -> None:
    """What it is about can happen: there is such an event, such a deadline, and a case that waits for it."""
    on, deadline = text(notice, "on"), text(notice, "deadline")
    deadlines = {text(one, "id"): one for _, one in call.tables("deadlines")}
    if on and on not in EVENTS:
        source.add((*where, "on"), f"no notice can be about '{on}'{nearest(on, EVENTS)}")
        return
    if on and deadline and on not in WITH_DEADLINE:
        source.add((*where, "deadline"), f"'{on}' is about no deadline")
        return
    if deadline and deadline not in deadlines:
        message = f"the call has no deadline '{deadline}'"
        source.add((*where, "deadline"), f"{message}{nearest(deadline, names(call.tables('deadlines')))}")
        return
    if process is None:
        return
    steps = EVENTS[on][0] if on else frozenset[str]()
    if steps and not steps & set(process.steps):
        source.add(
            (*where, "on"), f"'{on}' never comes: the process has no step '{', '.join(sorted(steps))}'"
        )
    elif on in _COMING or on == "marked-overdue":
        about = [deadlines[deadline]] if deadline else list(deadlines.values())
        if not any(_comes(one, on) for one in about):
            of_what = f"the deadline '{deadline}'" if deadline else "any deadline"
            source.add((*where, "on"), f"'{on}' never comes of {of_what}")
    elif not on and deadline:
        _timed(source, where, notice, deadlines[deadline], process)


def _comes(deadline: Table, on: str) -> bool:
    if on == "marked-overdue":
        return deadline.get("passed") == "overdue"
    return bool(deadline.get(_COMING[on]))


def _timed(source: Source, where: Where, notice: Table, deadline: Table, process: Outline) -> None:
    """There are cases that wait for the deadline then: some at all, and after it only where it is not their end."""
    name, passed = text(deadline, "id"), text(deadline, "passed")
    moves = process.moves(WHEN_PASSED.get(passed, ""))
    waits = [state for state in texts(deadline, "states") or moves if state in process.open_states]
    if not waits:
        source.add((*where, "deadline"), f"no case ever waits for '{name}', so this is never sent")
    elif "days_after" in notice and all(state in moves and moves[state] not in waits for state in waits):
        message = f"when '{name}' passes, the case leaves every state in which it waits for it"
        source.add((*where, "days_after"), f"{message}: this could never be sent")


def _words(source: Source, where: Where, notice: Table, named: Callable[[Where, str], Source | None]) -> None:
    known = {*ALWAYS, *(EVENTS.get(text(notice, "on"), ((), TIMED))[1])}
    for language in LANGUAGES:
        subject = text(within(notice, "subject"), language)
        for _, message in _wrong(subject, known):
            source.add((*where, "subject", language), message)
        name = f"notices/{text(notice, 'text') or text(notice, 'id')}.{language}.txt"
        at = (*where, "text") if "text" in notice else (*where, "id")
        template = named(at, name)
        if template is not None:
            if not template.text.strip():
                template.add((), "the text is empty")
            for line, message in _wrong(template.text, known):
                template.add_at(line, message)


def _wrong(words: str, known: set[str]) -> Iterator[tuple[int, str]]:
    """What is wrong with some words, and at which line of them."""
    try:
        read = wording(words)
    except BadWordingError as error:
        yield error.line, str(error)
        return
    for name, line in read.names.items():
        if name not in known:
            yield line, f"nothing is filled in for '{name}' here{nearest(name, known)}"
