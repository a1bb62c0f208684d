"""The report of a pack: what was examined and what was found, for reading and for the archive (PDF/A-2a, PDF/UA-1)."""

from __future__ import annotations

import base64
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typst

from grantflow.domain.calendar import clock
from grantflow.domain.money import kr
from grantflow.evidence.readable import printable, readable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from typst import PDFStandard

    from grantflow.domain.call import Call
    from grantflow.evidence.answers import Answered
    from grantflow.evidence.selecting import Selected
    from grantflow.history import CaseHistory, History
    from grantflow.ledger.note import Checkpoint
    from grantflow.question import Row

TEMPLATE = Path(__file__).with_name("report.typ")
STANDARDS: tuple[PDFStandard, ...] = ("a-2a", "ua-1")
_NOTHING = "\N{EN DASH}"
MOST_ROWS = 50
MOST_CASES = 3_000


def report(  # noqa: PLR0913, PLR0917 - what a report is made of
    selected: Selected,
    checkpoint: Checkpoint,
    history: History,
    answers: Sequence[Answered],
    at: datetime,
    left_out: Sequence[str] = (),
) -> bytes:
    """The report as a PDF. The same input gives the same bytes. Where anything is left out, it holds counts only."""
    whole = not left_out
    data = {
        **_about(selected, checkpoint, history, at),
        "left_out": [*left_out],
        "states": _states(history) if whole else [],
        "questions_say": _questions_say(selected, history, answers),
        "summary": [[str(one.question.number), one.question.name, _verdict(one, history)] for one in answers],
        "questions": [_told(one, history, whole=whole) for one in answers],
        "cases": [_case(history, case) for case in history.cases[:MOST_CASES]] if whole else [],
        "cases_more": _more(len(history.cases) - MOST_CASES, "answers/02-case-as-of.csv"),
    }
    return bytes(
        typst.compile(
            TEMPLATE.read_bytes(),
            format="pdf",
            ignore_system_fonts=True,
            sys_inputs={"data": msgspec.json.encode(_all_printable(data)).decode()},
            pdf_standards=[*STANDARDS],
            timestamp=int(at.timestamp()),
        )
    )


def _about(selected: Selected, checkpoint: Checkpoint, history: History, at: datetime) -> dict[str, Any]:
    call = _newest(history)
    title = (
        f"Bevis for saken {selected.number}" if selected.number else f"Bevis for utlysningen {selected.call}"
    )
    facts = [["Utlysning", selected.call]]
    if call is not None:
        facts = [
            ["Utlysning", f"{call.names.get('nb') or call.id} ({call.id}, {call.year})"],
            ["Ramme", kr(call.frame)],
            ["Utgaver av reglene", str(len(history.definitions))],
        ]
    return {
        "title": title,
        "origin": checkpoint.origin,
        "about": "Hva loggen sier, hva som er undersøkt, og hva som ble funnet. Bevisene for det ligger i samme pakke.",
        "facts": [
            *facts,
            ["Saker", _count(len(history.cases))],
            ["Hendelser", _count(len(selected.positions))],
            ["Laget", f"{clock(at)} (norsk tid)"],
        ],
        "seal": [
            ["Loggens navn", checkpoint.origin],
            ["Størrelse", f"{_count(checkpoint.size)} hendelser i hele loggen"],
            ["Rot (base64)", base64.b64encode(checkpoint.root).decode()],
            ["Rot (heksadesimal)", checkpoint.root.hex()],
        ],
        "seal_says": "Alt i pakken henger på dette seglet. README.txt forteller hvordan det kontrolleres; sammenlign "
        "nøkkelen med en kopi fra et annet sted.",
    }


def _questions_say(selected: Selected, history: History, answers: Sequence[Answered]) -> str:
    said = f"Svarene er regnet ut av pakkens egne hendelser: {_examined(history)}."
    if selected.number:
        said += (
            " Spørsmål som sammenligner saker eller teller dem, kan ikke besvares av én sak og er ikke med."
        )
    for one in answers:
        if one.question.reads:
            said += (
                f" Svaret på spørsmål {one.question.number} kommer fra tilgangsloggen: den står ikke i hendelsene, "
                "og er ikke forseglet."
            )
    return said


def _verdict(answer: Answered, history: History) -> str:
    rows, breaches = len(answer.rows), len(answer.breaches)
    if answer.question.breaches or "breach" in answer.question.columns:
        if not breaches:
            found = f" ({_rows(rows)})" if rows else ""
            return f"Ingen brudd funnet blant {_examined(history)}{found}."
        return f"{_count(breaches)} brudd" + (f" blant {_rows(rows)}." if rows > breaches else ".")
    return f"{_rows(rows)}." if rows else f"Ingenting funnet blant {_examined(history)}."


def _examined(history: History) -> str:
    cases, events = len(history.cases), len(history.entries)
    return f"{_count(cases)} {'sak' if cases == 1 else 'saker'} og {_count(events)} hendelser"


def _told(answer: Answered, history: History, *, whole: bool) -> dict[str, Any]:
    """One question with the breaches first, and no more rows than one reads."""
    question = answer.question
    rows = sorted(answer.rows, key=lambda row: not row.found.get("breach"))[:MOST_ROWS] if whole else []
    columns = [column for column in question.columns if any(_says(row, column) for row in rows)]
    lines = [[readable(row.found.get(column)) for column in columns] for row in rows]
    return {
        "number": str(question.number),
        "name": question.name,
        "asks": question.asks,
        "law": question.law,
        "verdict": _verdict(answer, history),
        "columns": [column.replace("_", " ") for column in columns],
        "weights": [_weight(column, [line[n] for line in lines]) for n, column in enumerate(columns)],
        "rows": lines,
        "more": _more(len(answer.rows) - MOST_ROWS, f"{answer.name}.csv") if whole else "",
    }


def _says(row: Row, column: str) -> bool:
    """Whether a row has anything in a column; where none has, the column is not worth its place."""
    return row.found.get(column) not in (None, "", [], {}, ())


def _weight(column: str, cells: Sequence[str]) -> float:
    """How wide a column is against others: by its longest cell, within reason."""
    longest = max(map(len, (column, *cells)), default=1)
    return float(round(max(4, min(longest, 60)) ** 0.8, 2))


def _case(history: History, case: CaseHistory) -> list[str]:
    known = case.case
    decision = known.decision
    granted = decision.amount_ore if decision and decision.outcome == "granted" else 0
    return [
        case.number,
        known.applicant.name or known.applicant.number,
        _state(history, case),
        kr(granted) if granted else _NOTHING,
        kr(known.paid_ore) if known.paid_ore else _NOTHING,
    ]


def _states(history: History) -> list[list[str]]:
    counted = Counter(_state(history, case) for case in history.cases)
    return [[state, _count(many)] for state, many in sorted(counted.items())]


def _state(history: History, case: CaseHistory) -> str:
    """The state's name in bokmål, as the case's own definition has it."""
    known = case.case
    definition = history.definitions.get(known.definition)
    state = definition.within(known.area, known.stage).process.states.get(known.state) if definition else None
    return (state.name.get("nb") if state else None) or known.state


def _newest(history: History) -> Call | None:
    return next(reversed(history.definitions.values()), None)


def _more(left: int, where: str) -> str:
    return f"og {_count(left)} til: se {where}" if left > 0 else ""


def _rows(many: int) -> str:
    return f"{_count(many)} {'rad' if many == 1 else 'rader'}"


def _count(many: int) -> str:
    return f"{many:,}".replace(",", "\u00a0")


def _all_printable(data: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The same data, every text of it in letters that the font has."""
    if isinstance(data, str):
        return printable(data)
    if isinstance(data, dict):
        return {key: _all_printable(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_all_printable(value) for value in data]
    return data
