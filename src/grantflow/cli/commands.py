"""The commands: each reads what is asked, calls the service or a read model, and prints the answer."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import unicodedata
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table as RichTable

from grantflow import embedded, logs
from grantflow.app import App, open_app
from grantflow.definitions import definition_files
from grantflow.demo import Story, play
from grantflow.domain.application import fold
from grantflow.domain.calendar import OSLO
from grantflow.domain.call import Call
from grantflow.domain.deciding import Circumstances
from grantflow.domain.errors import BadRequest, NotFound, Refused
from grantflow.rooms import room
from grantflow.service import Request
from grantflow.settings import Settings
from grantflow.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Grant applications, from draft to closed case."
)
calls = typer.Typer(no_args_is_help=True, help="The calls that municipalities apply under.")
cases = typer.Typer(no_args_is_help=True, help="The cases: begin one, take a step, read its history.")
read_models = typer.Typer(no_args_is_help=True, help="The read models that questions are answered from.")
app.add_typer(calls, name="call")
app.add_typer(cases, name="case")
app.add_typer(read_models, name="projections")

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for machines.")]
Person = Annotated[str, typer.Option("--as", help="Who acts: a stable pseudonym.")]
Role = Annotated[str, typer.Option("--role", help="In which role, such as applicant or case-officer.")]
Org = Annotated[str, typer.Option("--org", help="For which organisation, by its number.")]
Key = Annotated[str, typer.Option("--key", help="Idempotency key: the same key again changes nothing.")]
LARGEST_INPUT = 20_000_000
DEMO_DATABASE = "grantflow_demo"


def run() -> None:
    """Run one command. Exit 0 done, 1 refused, 2 wrong usage, 3 a check found something."""
    try:
        app()
    except Refused as refusal:
        if "--json" in sys.argv:
            problem = {"code": refusal.code, "status": refusal.status, "detail": refusal.detail}
            _json({**problem, "failures": msgspec.to_builtins(refusal.failures)})
        sys.stderr.write(f"Refused ({refusal.code}): {refusal.detail}\n")
        raise SystemExit(1) from None


@app.command()
def settings(*, as_json: Json = False) -> None:
    """List the settings: name, value, where it comes from, what it means."""
    _show(
        [vars(row) if hasattr(row, "__dict__") else msgspec.to_builtins(row) for row in _settings().rows()],
        as_json,
    )


@app.command()
def demo(applications: int = 40, seed: int = 2023, *, keep: bool = False, as_json: Json = False) -> None:
    """Play the 2023 call on a simulated clock, in a database of its own: `grantflow demo --applications 200`."""
    settings = _settings()
    logs.set_up(settings.log_level, settings.log_format)
    address = settings.database_url or embedded.start(settings.home)
    embedded.drop(address, DEMO_DATABASE)
    place = embedded.database(address, DEMO_DATABASE)
    files = definition_files(room("workflows") / "calls" / "imdi-2023-tillegg")
    with open_app(dataclasses.replace(settings, database_url=place)) as opened:
        summary = play(opened, files, Story(applications, seed))
    if not keep:
        embedded.drop(address, DEMO_DATABASE)
    _told(msgspec.to_builtins(summary) | {"database": embedded.described(place)}, as_json)
    if keep and not as_json:
        sys.stdout.write(f"Kept. Look at it with GRANTFLOW_DATABASE={DEMO_DATABASE} grantflow case list\n")


@app.command()
def work(*, once: bool = False) -> None:
    """Keep the deadlines: reminders, lapse, overdue, follow-up. `--once` takes what is due now and ends."""
    settings = _settings()
    logs.set_up(settings.log_level, settings.log_format, keeps_running=True)
    with open_app(settings) as opened:
        worker = Worker(opened.service, opened.projector)
        if once:
            sys.stdout.write(f"{worker.once()} steps taken.\n")
        else:
            worker.run()


@calls.command("check")
def call_check(folder: Path) -> None:
    """Say what is wrong with a call's folder: `grantflow call check workflows/calls/imdi-2023-tillegg`."""
    try:
        call = Call.read(definition_files(folder))
    except Refused as refusal:
        sys.stdout.write(f"{folder / 'call.toml'}: {refusal.detail}\n")
        raise SystemExit(3) from None
    sys.stdout.write(f"{call.id}: {len(call.rules)} rules, {len(call.process.steps)} steps, nothing wrong.\n")


@calls.command("publish")
def call_publish(folder: Path, person: Person, org: Org, key: Key = "", *, as_json: Json = False) -> None:
    """Publish a call: `grantflow call publish FOLDER --as imdi-lead --org 987879696`."""
    with _open() as opened:
        receipt = opened.service.publish(definition_files(folder), _by(person, "call-manager", org, key))
    _one(msgspec.to_builtins(receipt), as_json)


@calls.command("list")
def call_list(*, as_json: Json = False) -> None:
    """List the calls that are published."""
    with _open() as opened:
        rows = _rows(
            opened,
            "SELECT facts->>'call' AS id, facts->'names'->>'nb' AS name, facts->>'digest' AS digest, recorded_at "
            "FROM audit_trail WHERE topic = 'call-published@1' ORDER BY position",
        )
    _show(rows, as_json)


@calls.command("show")
def call_show(call: str) -> None:
    """Show a call as JSON: money, deadlines, rules, criteria, settled ambiguities, questions answered."""
    with _open() as opened:
        announcement = opened.service.states.announcement(call)
        definition = opened.service.states.call(call, announcement.digest)
    shown = msgspec.to_builtins(definition.declared)
    _json({**shown, "digest": definition.digest, "answers": msgspec.to_builtins(announcement.answers)})


@cases.command("start")
def case_start(call: str, person: Person, org: Org, key: Key = "", *, as_json: Json = False) -> None:
    """Begin an application: `grantflow case start imdi-2023-tillegg --as 0301-adviser --org 958935420`."""
    with _open() as opened:
        receipt = opened.service.handle(
            Request(step="start", call=call, by=_by(person, "applicant", org, key))
        )
    _one(msgspec.to_builtins(receipt), as_json)


@cases.command("do")
def case_do(
    case: str,
    step: str,
    person: Person,
    role: Role,
    org: Org,
    data: str = "",
    key: Key = "",
    *,
    as_json: Json = False,
) -> None:
    """Take one step, with its content as JSON from a file or - for standard input (--data)."""
    if role == "clock":
        msg = "Only the machine itself acts as the clock."
        raise BadRequest(msg)
    with _open() as opened:
        asked = Request(step=step, case=_case(opened, case), data=_data(data), by=_by(person, role, org, key))
        receipt = opened.service.handle(asked)
    _one(msgspec.to_builtins(receipt), as_json)


@cases.command("list")
def case_list(call: str = "", state: str = "", applicant: str = "", *, as_json: Json = False) -> None:
    """List the cases, all or those of one call, state or applicant."""
    with _open() as opened:
        rows = _rows(
            opened,
            "SELECT number, case_id::text AS id, applicant, applicant_name, title, state, asked_ore, granted_ore "
            "FROM case_list WHERE (%(call)s = '' OR call = %(call)s) AND (%(state)s = '' OR state = %(state)s) "
            "AND (%(applicant)s = '' OR applicant = %(applicant)s) ORDER BY number",
            call=call,
            state=state,
            applicant=applicant,
        )
    _show(rows, as_json)


@cases.command("show")
def case_show(case: str, at: str = "") -> None:
    """Show a case as JSON, now or exactly as it stood: `--at 2023-08-28T23:59:59+02:00`."""
    until = _instant(at) if at else None
    with _open() as opened:
        case_id = _case(opened, case)
        entries = opened.store.load(case_id)
    if until is not None:
        entries = [entry for entry in entries if entry.event.stamp.recorded_at <= until]
    if not entries:
        msg = "There was no such case at that instant."
        raise NotFound(msg)
    _json(msgspec.to_builtins(fold(case_id, entries)))


@cases.command("history")
def case_history(case: str, *, as_json: Json = False) -> None:
    """Show every event of a case: when, what, who, in which role, on what authority."""
    with _open() as opened:
        entries = opened.store.load(_case(opened, case))
    rows = []
    for entry in entries:
        stamp = entry.event.stamp
        row = {
            "version": entry.originator_version,
            "at": stamp.recorded_at.isoformat(),
            "event": entry.event.topic,
        }
        row |= {
            "person": stamp.person,
            "role": stamp.role,
            "authority": stamp.authority,
            "state": stamp.state,
        }
        rows.append({**row, "facts": entry.event.facts()} if as_json else row)
    _show(rows, as_json)


@read_models.command("list")
def projections_list(*, as_json: Json = False) -> None:
    """List the read models: position, lag, and what stopped one, if anything."""
    with _open() as opened:
        opened.projector.catch_up()
        _show([msgspec.to_builtins(standing) for standing in opened.projector.standings()], as_json)


@read_models.command("rebuild")
def projections_rebuild(name: Annotated[str, typer.Argument()] = "") -> None:
    """Make a read model (or all) anew from the events, and put it in place."""
    with _open() as opened:
        for each in _named(opened, name):
            sys.stdout.write(f"{each}: rebuilt to position {opened.projector.rebuild(each)}\n")


@read_models.command("check")
def projections_check(name: Annotated[str, typer.Argument()] = "") -> None:
    """Rebuild aside and compare row by row; exit 3 when anything differs."""
    found = 0
    with _open() as opened:
        opened.projector.catch_up()
        for each in _named(opened, name):
            differences = opened.projector.check(each)
            found += len(differences)
            sys.stdout.write(f"{each}: {len(differences)} differences\n")
    raise SystemExit(3 if found else 0)


def _settings() -> Settings:
    return Settings.from_env(os.environ)


def _open() -> Any:  # noqa: ANN401 - a context manager of App
    settings = _settings()
    logs.set_up(settings.log_level, settings.log_format)
    return open_app(settings)


def _by(person: str, role: str, org: str, key: str) -> Circumstances:
    command = key or str(uuid.uuid4())
    return Circumstances(
        at=datetime.now(UTC), person=person, organisation=org, role=role, channel="cli", command=command
    )


def _case(opened: App, case: str) -> uuid.UUID:
    try:
        return uuid.UUID(case)
    except ValueError:
        found = _rows(opened, "SELECT case_id FROM case_list WHERE number = %(case)s", case=case)
    if not found:
        msg = f"There is no case {case}. `grantflow case list` names those there are."
        raise NotFound(msg)
    known: uuid.UUID = found[0]["case_id"]
    return known


def _named(opened: App, name: str) -> Sequence[str]:
    known = tuple(opened.projector.projections)
    if name and name not in known:
        msg = f"There is no read model '{name}'. There are: {', '.join(known)}."
        raise NotFound(msg)
    return (name,) if name else known


def _instant(text: str) -> datetime:
    """Read an instant; one without an offset is by the clock in Oslo."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"{text!r} is not an instant such as 2023-08-28T23:59:59+02:00."
        raise BadRequest(msg) from error
    return instant if instant.tzinfo else instant.replace(tzinfo=OSLO)


def _rows(opened: App, query: str, **parameters: object) -> list[dict[str, Any]]:
    opened.projector.catch_up()
    return opened.projector.rows(query, parameters)


def _data(source: str) -> dict[str, Any]:
    if not source:
        return {}
    raw = sys.stdin.buffer.read(LARGEST_INPUT + 1) if source == "-" else Path(source).read_bytes()
    if len(raw) > LARGEST_INPUT:
        msg = f"The content is larger than {LARGEST_INPUT} bytes."
        raise BadRequest(msg)
    try:
        text = unicodedata.normalize("NFC", raw.decode())
        data = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        msg = f"The content is not JSON as it should be: {error}"
        raise BadRequest(msg) from error
    if not isinstance(data, dict):
        msg = "The content must be one JSON object."
        raise BadRequest(msg)
    return data


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        msg = "a key stands twice in one object"
        raise ValueError(msg)
    return data


def _no_constant(name: str) -> Iterator[None]:
    msg = f"{name} is not a JSON number"
    raise ValueError(msg)


def _json(value: Any) -> None:  # noqa: ANN401 - any JSON
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def _one(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        _json(row)
    else:
        _show([row], as_json)


def _show(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        _json({"items": rows, "next": None})
        return
    table = RichTable()
    for column in rows[0] if rows else ():
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console(width=None if sys.stdout.isatty() else 200).print(table if rows else "Nothing.")


def _told(summary: dict[str, Any], as_json: bool) -> None:
    if as_json:
        _json(summary)
        return
    for name, value in summary.items():
        shown = (
            ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else value
        )
        sys.stdout.write(f"{name.replace('_', ' '):>15}  {shown}\n")
