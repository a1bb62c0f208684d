"""The auditor's questions, answered for a pack: as JSON that is exact, and as CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from grantflow.domain.frame import FrameEvent
from grantflow.history import gather

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grantflow.domain.event import Entry
    from grantflow.evidence.selecting import Selected
    from grantflow.history import History
    from grantflow.question import Question, Row

OF_THE_WHOLE_CALL = frozenset({"equal-treatment", "frame", "inversions", "recipients", "registers"})
"""The questions that one case's events can't answer: they compare cases, or count them and their money."""

_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_DECIMAL = re.compile(r"-?\d+\.\d+")
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a cell begins with that a spreadsheet would reckon out, and not show."""


@dataclass(frozen=True)
class Answered:
    """A question with its answer: every row, and how many of them are breaches."""

    question: Question
    rows: Sequence[Row]

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"answers/{self.question.number:02d}-{self.question.name}"

    @property
    def breaches(self) -> Sequence[Row]:
        """Those rows that are breaches: all of some questions', and of the others' those that say so."""
        return self.rows if self.question.breaches else [row for row in self.rows if row.found.get("breach")]


def history_of(selected: Selected, entries: Sequence[Entry]) -> History:
    """The history that a pack's events tell. A case alone keeps its number, and is told without the call's money."""
    case = selected.scope.case
    if case is None:
        return gather(entries, call=selected.call)
    history = gather(
        [entry for entry in entries if not isinstance(entry.event, FrameEvent)], call=selected.call
    )
    return replace(history, cases=tuple(replace(one, number=selected.number) for one in history.cases))


def answered(selected: Selected, history: History, questions: Sequence[Question]) -> Iterator[Answered]:
    """Every question with its answer, in order; of a case alone, those that can be asked of one."""
    for question in questions:
        if selected.scope.case is None or question.name not in OF_THE_WHOLE_CALL:
            yield Answered(question, list(question.answer(history)))


def as_json(answer: Answered, scope: str, *, whole: bool) -> bytes:
    """The answer in full, or, where anything was left out of the pack, how many rows and no more."""
    question = answer.question
    told: dict[str, Any] = {
        "question": question.name,
        "number": question.number,
        "asks": question.asks,
        "law": question.law,
        "breaches": question.breaches,
        "scope": scope,
        "count": len(answer.rows),
        "breach_count": len(answer.breaches),
    }
    if question.reads:
        told["source"] = "the access log, which stands in no event and is not in the ledger"
    if whole:
        told["rows"] = [{"found": row.found, "events": row.events} for row in answer.rows]
    return msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n"


def as_csv(answer: Answered) -> bytes:
    """The answer as a spreadsheet in Norway opens it: semicolons, decimal commas, and nothing that it reckons out."""
    columns = answer.question.columns
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow([cell(column) for column in (*columns, "events")])
    for row in answer.rows:
        found = [cell(row.found.get(column)) for column in columns]
        writer.writerow([*found, cell(" ".join(row.events))])
    return text.getvalue().encode("utf-8-sig")


def cell(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """One value for a spreadsheet; what it would take for a formula gets an apostrophe before it."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if _DECIMAL.fullmatch(text):
        return text.replace(".", ",")
    if text.lstrip(" ").startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
