"""The commands of the auditor: the questions there are, their answers, and what other rules would have led to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grantflow.cli.asking import Json, instant, unknown
from grantflow.cli.calls import call_folder, sound
from grantflow.cli.noting import noted
from grantflow.cli.opening import opened
from grantflow.cli.output import console, plain_table, waiting, write, write_json, write_list
from grantflow.domain.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.app import App
    from grantflow.history import History
    from grantflow.question import Question, Row

audit = typer.Typer(
    no_args_is_help=True, help="The auditor's questions, answered from the events themselves."
)
Call = Annotated[str, typer.Option(help="Only this call; everything unless said.")]
At = Annotated[str, typer.Option(help="As the log stood at this instant.")]


@audit.command("list", epilog="Example: grantflow audit list")
def list_all(*, as_json: Json = False) -> None:
    """List the questions: number, name, what each asks, and the law behind it."""
    from grantflow.rooms import questions

    rows = [
        {"number": one.number, "question": one.name, "asks": one.asks, "law": one.law} for one in questions()
    ]
    write_list(rows, as_json=as_json)


@audit.command(
    epilog="Examples: grantflow audit ask four-eyes --call imdi-2023-tillegg / "
    "grantflow audit ask frame --at 2023-12-31 --csv frame.csv"
)
def ask(
    question: Annotated[
        str, typer.Argument(help="The question, by its name or number; `audit list` has them.")
    ],
    call: Call = "",
    at: At = "",
    into: Annotated[
        str, typer.Option("--csv", help="Write the rows to this file (- for standard output).")
    ] = "",
    *,
    as_json: Json = False,
) -> None:
    """Ask one question: rows with the events that prove them, and what was examined. No rows is an answer too."""
    from grantflow.accesses import with_reads

    asked = _named(question)
    with opened() as app, waiting(f"Asking {asked.name}"):
        history = _history(app, call, at)
        if asked.reads:
            history = with_reads(app.store, history)
        rows = list(asked.answer(history))
        noted(app, "asked", f"question {asked.name}", call=call or None, count=len(history.cases))
    if into:
        _write_csv(into, asked, rows)
        return
    if as_json:
        items = [{"found": row.found, "events": row.events} for row in rows]
        write_json({"question": asked.name, "scope": history.scope, "items": items, "next": None})
        return
    _page(asked, rows, history)


@audit.command(epilog="Example: grantflow audit whatif --definition changed/ --call imdi-2023-tillegg")
def whatif(
    definition: Annotated[
        str, typer.Option(help="A folder with the call as it might have been, or a call's name.")
    ],
    call: Annotated[str, typer.Option(help="The call whose real applications are decided anew.")],
    *,
    as_json: Json = False,
) -> None:
    """Decide a call's real applications under other rules, weights or money, and show what would have come out."""
    from grantflow.cli.whatif_page import whatif_page
    from grantflow.definitions import definition_files
    from grantflow.domain.call import Call as Definition
    from grantflow.whatif import whatif as decided_anew

    folder = call_folder(definition)
    sound(folder)
    changed = Definition.read(definition_files(folder))
    with opened() as app, waiting(f"Deciding {call} anew"):
        history = _history(app, call, "")
        if changed.id != call:
            msg = f"The definition in {definition} is of '{changed.id}', and not of '{call}'."
            raise BadRequest(msg)
        outcomes = decided_anew(history, changed)
    if as_json:
        write_json({"items": outcomes, "next": None})
    else:
        whatif_page(console(), outcomes)


def _history(app: App, call: str, at: str) -> History:
    from grantflow.history import gather

    history = gather(app.store.everything(), call=call, at=instant(at) if at else None)
    if call and call not in history.announcements:
        msg = f"No call '{call[:80]}' was published by then. `grantflow call list` names those there are."
        raise NotFound(msg)
    return history


def _named(question: str) -> Question:
    from grantflow.rooms import questions

    known = {one.name: one for one in questions()}
    by_number = {str(one.number): one for one in known.values()}
    found = known.get(question) or by_number.get(question)
    if found is None:
        raise NotFound(unknown("question", question, known))
    return found


def _page(asked: Question, rows: Sequence[Row], history: History) -> None:
    page = console()
    page.print(f"{asked.number}. {asked.asks} ({asked.law})\n")
    if not rows:
        found = "No breach found" if asked.breaches else "No rows"
        page.print(f"{found} among {history.scope}.")
        return
    columns = list(dict.fromkeys(name for row in rows for name in row.found))
    table = plain_table("", *(name.replace("_", " ") for name in columns), "proved by")
    for row in rows:
        proof = (
            f"{row.events[0]}{f' and {len(row.events) - 1} more' if len(row.events) > 1 else ''}"
            if row.events
            else ""
        )
        table.add_row(*(_cell(row.found.get(name)) for name in columns), proof)
    page.print(table)
    page.print(f"{len(rows)} rows. Examined: {history.scope}.")


def _cell(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_cell(one)}" for name, one in value.items())
    return str(value)


def _write_csv(into: str, asked: Question, rows: Sequence[Row]) -> None:
    from grantflow.evidence.answers import Answered, as_csv

    told = as_csv(Answered(asked, rows))
    if into == "-":
        write(told.decode("utf-8-sig"))
        return
    try:
        with Path(into).open("xb") as file:
            file.write(told)
    except OSError as error:
        msg = f"{into} can't be written: {error.strerror or error}."
        raise BadRequest(msg) from error
