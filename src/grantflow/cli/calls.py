"""The commands about calls: check a folder, publish it, list and show what is published, answer a question for all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from grantflow.cli.asking import Json, Key, Org, Person, circumstances
from grantflow.cli.opening import case_id, opened, rows, settings
from grantflow.cli.output import console, write, write_json, write_list, write_one
from grantflow.cli.revision_page import other_registers, revision_page, touched
from grantflow.domain.calendar import clock
from grantflow.domain.errors import BadRequest

calls = typer.Typer(no_args_is_help=True, help="The calls that municipalities apply under.")


def call_folder(named: str) -> Path:
    """The folder that a call is read from: this path, or that of the call of this name, which is said."""
    from grantflow import rooms

    if os.path.exists(named):  # noqa: PTH110 - a Path would raise where it is too long, or closed to us
        return Path(named)
    folder = rooms.call_named(named, settings().workflows)
    typer.echo(f"{named} is {folder}", err=True)
    return folder


Folder = Annotated[
    Path,
    typer.Argument(
        parser=call_folder,
        metavar="FOLDER",
        help="The call's folder, with its call.toml; or the name of one that comes along or is in GRANTFLOW_WORKFLOWS.",
    ),
]
CallId = Annotated[str, typer.Argument(help="The call's id, such as imdi-2023-tillegg.")]


@calls.command(epilog="Example: grantflow call check workflows/calls/imdi-2023-tillegg")
def check(folder: Folder, *, as_json: Json = False) -> None:
    """Say everything that is wrong with a call's folder, as `file:line:column: message`; exit 3 when anything is."""
    from grantflow.inspection import inspect

    found = inspect(folder)
    if as_json:
        write_json({"items": found, "next": None})
    else:
        for finding in found:
            write(f"{finding}\n")
        write(f"{folder}: {len(found) or 'no'} finding{'' if len(found) == 1 else 's'}\n")
    raise SystemExit(3 if found else 0)


@calls.command(
    epilog="Example: grantflow call draw workflows/calls/imdi-2023-tillegg --format svg --output process.svg"
)
def draw(
    folder: Folder,
    form: Annotated[Literal["mermaid", "svg"], typer.Option("--format", help="What to draw.")] = "mermaid",
    output: Annotated[
        Path | None, typer.Option(help="The file to write; standard output when left out.")
    ] = None,
    case: Annotated[str, typer.Option(help="Mark the path that this case took.")] = "",
    language: Annotated[Literal["nb", "nn", "en"], typer.Option(help="Of the names.")] = "nb",
) -> None:
    """Draw the call's process: states, steps, roles and deadlines; with a case's path marked on it."""
    from grantflow.definitions import definition_files
    from grantflow.domain.call import Call
    from grantflow.drawing import mermaid, picture_of, svg

    call, history = Call.read(definition_files(folder)), []
    if case:
        with opened() as app:
            history = app.store.load(case_id(app, case))
    picture = picture_of(call, language, history)
    text = svg(picture) if form == "svg" else mermaid(picture)
    if output is None:
        write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"{output} can't be written: {error.strerror or error}."
        raise BadRequest(msg) from error


@calls.command(epilog="Example: grantflow call files workflows/calls/imdi-2023-tillegg")
def files(folder: Folder) -> None:
    """Print a call's files as one JSON document: the body that `POST /api/v1/calls` takes."""
    from grantflow.definitions import definition_files

    write_json({"files": definition_files(folder)})


@calls.command(
    epilog="Example: grantflow call publish workflows/calls/imdi-2023-tillegg --as imdi-lead --org 987879696"
)
def publish(folder: Folder, person: Person, org: Org, key: Key = "", *, as_json: Json = False) -> None:
    """Publish a call that has no findings: its whole definition becomes part of the history, its frame is opened."""
    from grantflow.definitions import definition_files

    sound(folder)
    with opened() as app:
        by = circumstances(person, "call-manager", org, key)
        receipt = app.service.calls.publish(definition_files(folder), by)
    write_one(receipt, as_json=as_json)


@calls.command(
    epilog="Examples: grantflow call revise imdi-2023-tillegg --dry-run / "
    "grantflow call revise imdi-2023-tillegg --grounds 'Rammen er økt.' --as imdi-lead --org 987879696"
)
def revise(
    folder: Folder,
    grounds: Annotated[str, typer.Option(help="Why, for all to read.")] = "",
    person: Annotated[str, typer.Option("--as", help="Who acts: a stable pseudonym, never a name.")] = "",
    org: Annotated[str, typer.Option("--org", help="For which organisation: its nine digits.")] = "",
    key: Key = "",
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Give a published call another definition, with grounds; cases that have begun keep theirs.

    Says what changes in the rules, and which running cases keep the old ones until they are moved
    (grantflow case do CASE move-to-revision). A definition with findings is refused; so is one with less money than is
    committed already, and --dry-run says so.
    """
    from grantflow.definitions import definition_files
    from grantflow.domain.call import Call
    from grantflow.domain.revised import changes

    needed = {"--grounds": grounds, "--as": person, "--org": org}
    missing = [option for option, said in needed.items() if not said.strip()]
    if missing and not dry_run:
        msg = f"A revision needs {', '.join(needed)}; missing: {', '.join(missing)}. Or try it out with --dry-run."
        raise BadRequest(msg)
    sound(folder)
    with opened() as app:
        files = definition_files(folder)
        newest = Call.read(files)
        before = app.service.states.call(newest.id, app.service.states.announcement(newest.id).digest)
        different = changes(before, newest)
        running = touched(app, newest) if different or other_registers(before, newest) else []
        receipt = refusal = None
        if not dry_run:
            by = circumstances(person, "call-manager", org, key)
            receipt = app.service.calls.revise(files, grounds, by)
        elif newest.digest != before.digest:
            by = circumstances(person or "nobody", "call-manager", org or before.authority, key)
            refusal = app.service.calls.rehearse(files, by)
    if as_json:
        refused = {"code": refusal.code, "detail": refusal.detail} if refusal else None
        write_json({"changes": different, "running": running, "receipt": receipt, "refused": refused})
        return
    revision_page(console(), different, running)
    if refusal is not None:
        write(f"It would be refused ({refusal.code}): {refusal.detail}\n")
    if receipt is not None:
        write_one(receipt, as_json=False)


@calls.command(
    epilog="Example: grantflow call answer imdi-2023-tillegg --question 'Kan vi søke to ganger?' --answer 'Ja.' "
    "--as imdi-lead --org 987879696"
)
def answer(
    call: CallId,
    question: Annotated[str, typer.Option(help="The question that was asked.")],
    reply: Annotated[str, typer.Option("--answer", help="The answer, for all to read.")],
    person: Person,
    org: Org,
    *,
    as_json: Json = False,
) -> None:
    """Answer a question that matters to all, open to all applicants (fvl § 11, R36)."""
    with opened() as app:
        by = circumstances(person, "call-manager", org, "")
        receipt = app.service.calls.answer_question(call, question, reply, by)
    write_one(receipt, as_json=as_json)


@calls.command("list", epilog="Example: grantflow call list --json")
def list_all(*, as_json: Json = False) -> None:
    """List the calls that are published."""
    with opened() as app:
        published = rows(
            app,
            "SELECT DISTINCT ON (stream) facts->>'call' AS id, facts->'names'->>'nb' AS name,"
            " facts->>'digest' AS digest, recorded_at FROM audit_trail"
            " WHERE topic IN ('call-published@1', 'call-revised@1') ORDER BY stream, position DESC",
        )
    if not as_json:
        for row in published:
            row |= {"digest": row["digest"][:12], "recorded_at": clock(row["recorded_at"])}
    write_list(published, as_json=as_json, nothing="No call is published (grantflow call publish FOLDER).")


@calls.command(epilog="Example: grantflow call show imdi-2023-tillegg")
def show(call: CallId, *, as_json: Json = False) -> None:
    """Show a call: money, deadlines, rules, criteria, settled ambiguities, questions answered."""
    from grantflow.cli.call_page import call_page

    with opened() as app:
        announcement = app.service.states.announcement(call)
        definition = app.service.states.call(call, announcement.digest)
    if as_json:
        shown = msgspec.to_builtins(definition.declared)
        answers = msgspec.to_builtins(announcement.answers)
        write_json({**shown, "digest": definition.digest, "answers": answers})
    else:
        call_page(definition, announcement)


def sound(folder: Path) -> None:
    """Refuse what `call check` finds anything in: nobody applies under rules that break, or pays without a decision."""
    from grantflow.domain.call import DefinitionError
    from grantflow.inspection import inspect

    found = inspect(folder)
    if found:
        first = str(found[0]).removesuffix(".")
        msg = f"{len(found)} found wrong, first: {first}. `grantflow call check {folder}` tells all of it."
        raise DefinitionError(msg)
