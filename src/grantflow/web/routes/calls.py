"""Calls: what is announced, publishing and revising one, and answers that matter to all."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter

from grantflow.definitions import LARGEST, plain_name
from grantflow.domain.announcement import CallPublished, CallRevised
from grantflow.domain.call import Call, DefinitionError
from grantflow.domain.errors import BadRequest, Failure
from grantflow.domain.money import in_kroner, kroner
from grantflow.following import Relation
from grantflow.web.asking import After, Key, Limit, Raw, caught_up, circumstances, cursor, place, said
from grantflow.web.caller import Caller, caller_of
from grantflow.web.house import AnyRequest, House, TheHouse
from grantflow.web.rights import roles_with
from grantflow.web.routes.steps import answered
from grantflow.web.views import CallRow, CallView, MoneyView, Page, ReceiptView

MANAGER = ("call-manager",)

_PUBLISHED = (
    "SELECT DISTINCT ON (facts->>'call') facts->>'call' AS id, facts->'names' AS names, facts->>'year' AS year,"
    " facts->>'frame_ore' AS frame_ore, facts->>'digest' AS digest, recorded_at FROM audit_trail"
    " WHERE topic = ANY(%(topics)s) AND facts->>'call' > %(beyond)s"
    " ORDER BY facts->>'call', position DESC LIMIT %(most)s"
)
_DEFINES = [CallPublished.topic, CallRevised.topic]
_LONGEST_PATH = 120


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call's folder: each file's text by its name, such as `call.toml`."""

    files: dict[str, str]


class Revision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call's folder as it shall be from now on, and why, for all to read."""

    files: dict[str, str]
    grounds: str


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question that matters to all, and its answer (fvl § 11, R36)."""

    question: str
    answer: str


@get("/calls", opt={"right": "read-calls"}, sync_to_thread=True)
def list_calls(
    house: TheHouse,
    limit: Limit = 50,
    cursor_: Annotated[str, QueryParameter(name="cursor", description="Where to go on.")] = "",
    after: After = 0,
) -> Page[CallRow]:
    """List the calls that are published."""
    caught_up(house, after)
    beyond = place(cursor_)
    if "\0" in beyond:
        return Page([])
    rows = house.app.projector.rows(_PUBLISHED, {"beyond": beyond, "most": limit + 1, "topics": _DEFINES})
    page = [
        CallRow(
            row["id"],
            row["names"],
            int(row["year"]),
            kroner(int(row["frame_ore"])),
            row["digest"],
            row["recorded_at"],
        )
        for row in rows[:limit]
    ]
    return Page(page, cursor(page[-1].id) if len(rows) > limit else None)


@get("/calls/{call:str}", opt={"right": "read-calls"}, sync_to_thread=True)
def show_call(request: AnyRequest, house: TheHouse, call: FromPath[str]) -> CallView:
    """Show a call: money, deadlines, rules, criteria, settled ambiguities, questions answered."""
    states = house.app.service.states
    announcement = states.announcement(call)
    definition = states.call(call, announcement.digest)
    return CallView(
        id=definition.id,
        digest=definition.digest,
        revisions=list(announcement.definitions),
        declared=msgspec.to_builtins(definition.declared),
        answers=[in_kroner(msgspec.to_builtins(answer)) for answer in announcement.answers],
        money=_money(house, definition) if _inside(caller_of(request), definition) else None,
    )


@post("/calls", opt={"right": "announce", "body": Definition}, status_code=201, sync_to_thread=True)
def publish(request: AnyRequest, house: TheHouse, raw: Raw, key: Key = "") -> Response[ReceiptView]:
    """Publish a call: its definition becomes part of the history, and its frame is opened."""
    asked = as_asked(request, raw, Definition)
    _sound(asked.files)
    by = circumstances(house, caller_of(request), MANAGER, key)
    receipt = house.app.service.calls.publish(asked.files, by)
    return answered(receipt, 201)


@post(
    "/calls/{call:str}/revisions",
    opt={"right": "announce", "body": Revision},
    status_code=201,
    sync_to_thread=True,
)
def revise(
    request: AnyRequest, house: TheHouse, call: FromPath[str], raw: Raw, key: Key = ""
) -> Response[ReceiptView]:
    """Give a published call another definition, with grounds; cases that have begun keep theirs."""
    house.app.service.states.announcement(call)
    asked = as_asked(request, raw, Revision)
    _sound(asked.files, named=call)
    by = circumstances(house, caller_of(request), MANAGER, key)
    receipt = house.app.service.calls.revise(asked.files, asked.grounds, by)
    return answered(receipt, 201)


@post(
    "/calls/{call:str}/answers",
    opt={"right": "announce", "body": Answer},
    status_code=201,
    sync_to_thread=True,
)
def answer(
    request: AnyRequest, house: TheHouse, call: FromPath[str], raw: Raw, key: Key = ""
) -> Response[ReceiptView]:
    """Answer a question that matters to all, open to all applicants."""
    asked = as_asked(request, raw, Answer)
    by = circumstances(house, caller_of(request), MANAGER, key)
    receipt = house.app.service.calls.answer_question(call, asked.question, asked.answer, by)
    return answered(receipt, 201)


def _inside(caller: Caller, call: Call) -> bool:
    """Whether somebody may read every case of the call, and so its money too."""
    identity = caller.identity
    related: set[Relation] = {"any"}
    if identity.organisation == call.authority:
        related.add("authority")
    return bool(roles_with("read-case", identity, frozenset(related)))


def _money(house: House, call: Call) -> MoneyView:
    frame = house.app.service.states.frame(call.id)
    return MoneyView(
        frame=kroner(frame.limit_ore),
        committed=kroner(frame.committed_ore),
        left=kroner(frame.left_ore),
        areas={area: kroner(frame.left_in(area)) for area in call.areas},
    )


def as_asked(request: AnyRequest, raw: bytes, kind: Any) -> Any:  # noqa: ANN401 - a struct's type, and one of it
    """The body as one of these structs; BadRequest says what is wrong and where."""
    try:
        return msgspec.convert(said(request, raw), kind, strict=True)
    except (msgspec.ValidationError, ValueError) as error:
        msg = f"The body does not fit: {error}."
        raise BadRequest(msg) from error


def _sound(files: dict[str, str], *, named: str = "") -> None:
    """Refuse what `call check` finds anything in."""
    from grantflow.inspection import inspect  # noqa: PLC0415 - heavy, and only needed here

    for name, text in files.items():
        if len(text) > LARGEST:
            msg = f"{name[:60]!r} is larger than {LARGEST} characters."
            raise BadRequest(msg)
        if len(name) > _LONGEST_PATH or not plain_name(name):
            msg = f"{name[:60]!r} is not the name of a file in a call's folder."
            raise BadRequest(msg)
    read = Call.read(files)
    if named and read.id != named:
        msg = f"The definition is of '{read.id[:60]}', and not of '{named}'."
        raise BadRequest(msg)
    with tempfile.TemporaryDirectory(prefix="grantflow-call-") as folder:
        try:
            for name, text in files.items():
                file = Path(folder, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
        except OSError as error:  # one is a folder of another's name, or a name is too long for a disk
            msg = f"The files can't stand beside each other in a folder: {error.strerror}."
            raise BadRequest(msg) from error
        found = [str(finding).removeprefix(f"{folder}/") for finding in inspect(Path(folder))]
    if found:
        msg = f"{len(found)} found wrong, first: {found[0]}"
        raise DefinitionError(
            msg, failures=tuple(Failure(rule="call-check", message={"en": one}) for one in found)
        )


HANDLERS = [list_calls, show_call, publish, revise, answer]
