"""Asks the questions that ship of a history, and finds the events that an answer should point at."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from gathered import the

from grantflow import rooms

if TYPE_CHECKING:
    from grantflow.domain.event import Event
    from grantflow.history import History
    from grantflow.question import Question, Row


@cache
def questions() -> dict[str, Question]:
    """Every question, by its name."""
    return {question.name: question for question in rooms.questions()}


def asked(name: str, history: History) -> list[Row]:
    """The whole answer, with each row as its question says that rows are."""
    question = questions()[name]
    rows = list(question.answer(history))
    for row in rows:
        assert tuple(row.found) == question.columns
    return rows


def breaches(name: str, history: History) -> list[Row]:
    """Those rows that are a breach."""
    rows = asked(name, history)
    return rows if questions()[name].breaches else [row for row in rows if row.found.get("breach")]


def breach(name: str, history: History) -> Row:
    """The only breach there is."""
    (found,) = breaches(name, history)
    return found


def found(row: Row, *columns: str) -> tuple[Any, ...]:
    """What a row says in these columns."""
    return tuple(row.found[column] for column in columns)


def event_of(history: History, kind: type[Event], nth: int = 0) -> str:
    """The identifier of the nth event of a kind in the log."""
    return the(history.entries, kind, nth).id
