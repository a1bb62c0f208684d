"""The evidence pack, checked by a verifier of the test's own, after docs/evidence-format.md; what it never holds."""

from __future__ import annotations

import base64
import csv
import errno
import io
import json
import os
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID, uuid4
from zipfile import ZipFile

import msgspec
import psycopg
import pytest
from conftest import fresh_database
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from noted import Masking
from steps import paid, submitted
from test_attachments import PDF, attached
from variants import by_lead, delegate_to, prepared, variant

from grantflow import rooms
from grantflow.app import App
from grantflow.definitions import definition_files
from grantflow.demo import Story, play
from grantflow.domain.call import Call
from grantflow.domain.errors import NotFound
from grantflow.domain.event import EVENT_TYPES, Stamp
from grantflow.evidence import (
    CantLeaveOut,
    CantWrite,
    NotAsSealed,
    NotSealed,
    Packed,
    Scope,
    archive,
    write_pack,
)
from grantflow.evidence.answers import OF_THE_WHOLE_CALL, cell
from grantflow.evidence.checkpoint import BadCheckpoint
from grantflow.evidence.leaving_out import person_fields, text_fields
from grantflow.evidence.missing_nodes import missing
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

CALL, OTHER = "imdi-2023-tillegg", "annen-utlysning"
DEFINED = ("call-published", "call-revised")


class Kept(NamedTuple):
    """A log of two calls, sealed: the demo's year among cases of another call."""

    app: App
    note: str
    cases: list[UUID]
    others: list[UUID]

    def packed(
        self, folder: Path, scope: Scope, left_out: Collection[str] = (), *, asking: bool = True
    ) -> tuple[Packed, ZipFile]:
        target = folder / f"{uuid4().hex}.zip"
        questions = None if asking else ()
        done = write_pack(self.app.store, self.note, scope, target, left_out=left_out, questions=questions)
        assert sha256(target.read_bytes()).hexdigest() == done.sha256
        assert target.stat().st_size == done.bytes
        return done, ZipFile(target)


@pytest.fixture(scope="module")
def kept(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with fresh_database(server, template) as address, Store(address) as store:
        app = App.on(store, tmp_path_factory.mktemp("keys") / "ledger.keys")
        files = variant(OTHER, "7900000.00")
        app.service.calls.publish(files, by_lead(OTHER))
        others = prepared(store, Call.read(files), 2, *submitted())
        play(app, definition_files(rooms.room("workflows") / "calls" / CALL), Story(20, seed=7))
        others += prepared(store, Call.read(files), 2, *paid())
        entries = store.read(0, 100_000)
        cases = [one.originator_id for one in entries if getattr(one.event, "applicant", None)]
        yield Kept(app, app.ledger.seal(), [case for case in cases if case not in others], others)


# A verifier, after the page and nothing else.


def verified(pack: ZipFile) -> list[dict[str, Any]]:
    """Check a pack by every rule of the page; gives its events, each with the fields that it tells."""
    names = pack.namelist()
    assert len(set(names)) == len(names)
    told = json.loads(pack.read("pack.json"))
    assert told["format"] == "grantflow-pack/1"
    assert told["files"] == {
        name: sha256(pack.read(name)).hexdigest() for name in names if name != "pack.json"
    }
    text, _, signatures = pack.read("checkpoint.txt").decode().partition("\n\n")
    origin, size, root = text.split("\n")
    assert any(_signed(text + "\n", key, signatures) for key in pack.read("keys.txt").decode().splitlines())
    events = [json.loads(line) for line in pack.read("events.jsonl").splitlines()]
    tree = json.loads(pack.read("tree.json"))
    hashes = {(level, index): bytes.fromhex(hashed) for level, index, hashed in tree["nodes"]}
    assert hashes.keys().isdisjoint((0, event["position"] - 1) for event in events)
    hashes |= {(0, event["position"] - 1): _leaf(event) for event in events}
    assert _root(hashes, 0, int(size)) == base64.b64decode(root)
    assert (told["origin"], told["size"], tree["size"]) == (origin, int(size), int(size))
    assert told["events"] == len(events)
    assert [event["position"] for event in events] == sorted({event["position"] for event in events})
    known = [{"event": event, **_told(event, told["left_out"])} for event in events]
    _versions(told["scope"], known)
    _named(pack, known)
    return known


def _signed(text: str, key: str, signatures: str) -> bool:
    name, _, public = key.split("+", 2)
    for line in signatures.splitlines():
        _, signer, signature = line.split(" ")
        if signer == name:
            raw = base64.b64decode(signature)[4:]
            Ed25519PublicKey.from_public_bytes(base64.b64decode(public)[1:]).verify(raw, text.encode())
            return True
    return False


def _leaf(event: dict[str, Any]) -> bytes:
    if "body" in event:
        body = sha256(bytes.fromhex(event["salt"]) + event["body"].encode()).digest()
        fields = bytes.fromhex(event["fields"])
    else:
        assert "salt" not in event
        names = [field["name"] for field in event["fields"]]
        assert names == sorted(set(names))
        body = bytes.fromhex(event["body_digest"])
        fields = sha256(b"".join(map(_field, event["fields"]))).digest()
    place = (
        event["position"].to_bytes(8, "big")
        + UUID(event["stream"]).bytes
        + event["version"].to_bytes(8, "big")
    )
    return sha256(b"\0grantflow-event/v1\0" + place + body + fields + event["topic"].encode()).digest()


def _field(field: dict[str, str]) -> bytes:
    if "digest" in field:
        assert field.keys() == {"name", "digest"}
        return bytes.fromhex(field["digest"])
    return sha256(
        bytes.fromhex(field["salt"]) + field["name"].encode() + b"\0" + field["value"].encode()
    ).digest()


def _root(hashes: dict[tuple[int, int], bytes], start: int, end: int) -> bytes:
    size = end - start
    level = (size - 1).bit_length()
    if size == 1 << level and (level, start >> level) in hashes:
        return hashes[level, start >> level]
    middle = start + (1 << level - 1)
    return sha256(b"\1" + _root(hashes, start, middle) + _root(hashes, middle, end)).digest()


def _told(event: dict[str, Any], left_out: list[str]) -> dict[str, Any]:
    """The fields that an event tells, by name."""
    if "body" in event:
        body: dict[str, Any] = json.loads(event["body"])
        stamp = body.pop("stamp")
        return body | {f"stamp.{name}": value for name, value in stamp.items()}
    assert all(("digest" in field) is (field["name"] in left_out) for field in event["fields"])
    return {field["name"]: json.loads(field["value"]) for field in event["fields"] if "value" in field}


def _versions(scope: dict[str, str], known: list[dict[str, Any]]) -> None:
    streams: dict[str, list[int]] = {}
    for one in known:
        if "call" in scope or one["event"]["stream"] == scope["case"]:
            streams.setdefault(one["event"]["stream"], []).append(one["event"]["version"])
    assert streams
    assert all(versions == list(range(1, len(versions) + 1)) for versions in streams.values())


def _named(pack: ZipFile, known: list[dict[str, Any]]) -> None:
    """Documents and definitions are exactly those that the events name, and as they name them."""
    documents = {one["attachment"]["digest"] for one in known if "attachment" in one}
    assert documents == {name[10:] for name in pack.namelist() if name.startswith("documents/")}
    assert all(sha256(pack.read(f"documents/{one}")).hexdigest() == one for one in documents)
    texts = {
        f"definitions/{one['digest']}/{name}": text
        for one in known
        if one["event"]["topic"].startswith(DEFINED)
        for name, text in one["files"].items()
    }
    assert texts.keys() == {name for name in pack.namelist() if name.startswith("definitions/")}
    assert all(pack.read(name).decode() == text for name, text in texts.items())
    mentioned = {one["definition"] for one in known if "definition" in one}
    assert mentioned <= {name.split("/")[1] for name in texts}


# What the pack of a call holds


def test_a_pack_of_a_call_verifies_and_holds_all_of_the_call_and_nothing_of_another(
    kept: Kept, tmp_path: Path
) -> None:
    done, pack = kept.packed(tmp_path, Scope(call=CALL))
    known = verified(pack)
    held = {UUID(one["event"]["stream"]) for one in known}
    assert held >= {*kept.cases}
    assert held.isdisjoint(kept.others)
    of_others = [one for one in kept.app.store.read(0, 100_000) if one.originator_id not in held]
    assert len(known) == kept.app.store.last_position() - len(of_others)
    assert {one.event.stream for one in of_others} - {"person"} == {"call", "frame", "case", "notices"}
    kinds = {EVENT_TYPES[one["event"]["topic"]].stream for one in known}
    assert kinds == {"call", "frame", "authority", "case", "notices"}
    assert (done.events, done.cases, done.definitions, done.documents) == (len(known), 20, 2, 2)
    assert {"README.txt", "verify.py", "verify.html", "report.pdf"} <= {*pack.namelist()}


def test_both_calls_together_are_the_whole_log_but_for_names(kept: Kept, tmp_path: Path) -> None:
    packs = [kept.packed(tmp_path, Scope(call=call), asking=False)[1] for call in (CALL, OTHER)]
    positions = {one["event"]["position"] for pack in packs for one in verified(pack)}
    log = kept.app.store.read(0, 100_000)
    assert positions == {one.position for one in log if one.event.stream != "person"}


def test_a_pack_of_a_case_verifies_and_holds_no_other_case(kept: Kept, tmp_path: Path) -> None:
    entries = kept.app.store.read(0, 100_000)
    granted = next(one.originator_id for one in entries if one.event.topic.startswith("application-granted"))
    done, pack = kept.packed(tmp_path, Scope(case=granted))
    known = verified(pack)
    strangers = [str(case).encode() for case in (*kept.cases, *kept.others) if case != granted]
    for name in pack.namelist():
        content = pack.read(name)
        assert not any(stranger in content for stranger in strangers), name
    applicants = {
        one.event.applicant.number: one.originator_id for one in entries if hasattr(one.event, "applicant")
    }
    told = b"".join(
        json.dumps(one).encode() for one in known if not one["event"]["topic"].startswith(DEFINED)
    )
    partners = {number for one in known for number in one.get("partners", ())}
    for number, case in applicants.items():
        assert (number.encode() in told) is (case == granted or number in partners)
    frame = [one for one in known if EVENT_TYPES[one["event"]["topic"]].stream == "frame"]
    assert frame
    assert {one["case"] for one in frame} == {str(granted)}
    number = kept.cases.index(granted) + 1
    scope = json.loads(pack.read("pack.json"))["scope"]
    assert scope == {"case": str(granted), "number": f"{CALL}-{number:04d}"}
    assert done.cases == 1


def test_the_same_log_gives_the_same_events(kept: Kept, tmp_path: Path) -> None:
    first, second = (kept.packed(tmp_path, Scope(call=CALL), asking=False)[1] for _ in range(2))
    for name in ("events.jsonl", "tree.json", "checkpoint.txt", "keys.txt"):
        assert first.read(name) == second.read(name)


def test_what_is_stored_compressed_or_encrypted_is_told_field_by_field(
    server: str, template: str, tmp_path: Path
) -> None:
    library = {"CIPHER_TOPIC": f"{Masking.__module__}:Masking", "CIPHER_KEY": "90"}
    with fresh_database(server, template) as address, Store(address, library=library) as store:
        app = App.on(store, tmp_path / "keys")
        app.service.calls.publish(variant(OTHER, "7900000.00"), by_lead(OTHER))
        write_pack(store, app.ledger.seal(), Scope(call=OTHER), tmp_path / "p.zip", questions=())
    known = verified(ZipFile(tmp_path / "p.zip"))
    assert all("body" not in one["event"] for one in known)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 64, 100])
def test_the_nodes_are_the_fewest_and_cover_what_the_pack_lacks(size: int) -> None:
    for positions in ([1], [size], list(range(1, size + 1, 3)), list(range(1, size + 1))):
        nodes = list(missing(sorted({*positions}), size))
        covered = [leaf for level, index in nodes for leaf in range(index << level, (index + 1) << level)]
        assert sorted([*covered, *(one - 1 for one in {*positions})]) == list(range(size))
        joined = {(level + 1, index >> 1) for level, index in nodes if (level, index ^ 1) in nodes}
        assert not joined


# What is left out


def test_persons_left_out_stand_nowhere_in_it_and_it_verifies(kept: Kept, tmp_path: Path) -> None:
    _, pack = kept.packed(tmp_path, Scope(call=CALL), ["persons", "documents"])
    known = verified(pack)
    persons = {one.event.stamp.person for one in kept.app.store.read(0, 100_000)}
    persons -= {"clock"}  # an everyday word, and no person
    assert len(persons) > 20
    for name in pack.namelist():
        content = pack.read(name)
        assert not [person for person in persons if person.encode() in content], name
    assert all(field not in one for one in known for field in person_fields())
    assert "stamp.person" in json.loads(pack.read("pack.json"))["left_out"]


def test_texts_left_out_stand_nowhere_in_it_and_it_verifies(
    server: str, template: str, tmp_path: Path
) -> None:
    planted = "Hemmeleg: Bjørg-Åse Čáhcesuolu"
    plain = "forklaring 77"
    with fresh_database(server, template) as address, Store(address) as store:
        app = App.on(store, tmp_path / "keys")
        call = Call.read(variant(OTHER, "7900000.00"))
        app.service.calls.publish(call.files, by_lead(OTHER))
        content = attached(b"%PDF-1.7 " + plain.encode(), filename=f"{plain}.pdf")
        start, *rest = submitted(project={"title": planted, "summary": plain})
        given = prepared(store, call, 1, start, content, *rest)
        assert planted.encode() in b"".join(msgspec.json.encode(one.event) for one in store.load(given[0]))
        note = app.ledger.seal()
        for scope in (Scope(call=OTHER), Scope(case=given[0])):
            target = tmp_path / f"{uuid4().hex}.zip"
            write_pack(store, note, scope, target, left_out=["texts"])
            pack = ZipFile(target)
            verified(pack)
            for name in pack.namelist():
                for text in (planted, planted.rsplit(maxsplit=1)[-1], plain):
                    assert text.encode() not in pack.read(name), name
                    assert json.dumps(text)[1:-1].encode() not in pack.read(name), name


def test_answers_and_report_hold_no_more_than_counts_when_anything_is_left_out(
    kept: Kept, tmp_path: Path
) -> None:
    _, pack = kept.packed(tmp_path, Scope(call=CALL), ["grounds"])
    answers = [name for name in pack.namelist() if name.startswith("answers/")]
    assert len(answers) == 27
    assert all(name.endswith(".json") and "rows" not in json.loads(pack.read(name)) for name in answers)
    assert json.loads(pack.read("answers/02-case-as-of.json"))["count"] >= 20
    readme = pack.read("README.txt").decode()
    assert "LEFT OUT" in readme
    assert "grounds" in readme


def test_definitions_and_unknown_fields_are_not_left_out(kept: Kept, tmp_path: Path) -> None:
    with pytest.raises(CantLeaveOut, match="never left out"):
        kept.packed(tmp_path, Scope(call=CALL), ["files"])
    with pytest.raises(CantLeaveOut, match=r"stamp\.person"):
        kept.packed(tmp_path, Scope(call=CALL), ["stamp.persn"])
    assert not [*tmp_path.iterdir()]


def test_every_field_of_every_event_is_a_persons_a_text_or_neither() -> None:
    """A new field fails here until somebody has said what it is (evidence/leaving_out.py)."""
    every = {field.name for kind in EVENT_TYPES.values() for field in msgspec.structs.fields(kind)} - {
        "stamp"
    }
    every |= {f"stamp.{field.name}" for field in msgspec.structs.fields(Stamp)}
    assert set(PERSONS.split()) == person_fields()
    assert set(TEXTS.split()) == text_fields()
    assert every - person_fields() - text_fields() == set(NEITHER.split())


PERSONS = """
    address after before case_officer content delegation person reads sealed signed_by stamp.command
    stamp.person subordinate superior text
"""
TEXTS = """
    account_check address after answer assessment attachment before blocks body conditions content
    evidence grounds question reads reason reservations statement subject text title what
"""
NEITHER = """
    about account account_changed_at after_the_fact again_at amount_ore answer_limit applicant area
    areas asked_ore attempt authority bank_reference before_ore booked_ore call capacity case case_of_35
    cause channel committed_ore complaint conclusion condition confirmations conflict consultation_due
    corrects criterion days_late deadline deadlines declared definition digest due due_at eligible_ore
    entry exemption exemption_needed expires_at field files for_role form frame_ore gathered granted_ore
    in_time instalment instalments kind language later_years left left_ore limit limit_ore looked_at_as
    message names notice organisation outcome outstanding_ore own_contribution_ore participants partners
    points previous previous_ore received_at received_on recommendation reference released_ore
    remaining_ore request rule score section send_at stage stamp.authority stamp.channel
    stamp.effective_at stamp.organisation stamp.recorded_at stamp.role stamp.state stamp.step themes to
    together under unspent_ore until version year
"""


# The answers


def _answers(pack: ZipFile) -> dict[str, list[dict[str, Any]]]:
    """The rows of each answer, by the question's name."""
    told = [
        json.loads(pack.read(name))
        for name in pack.namelist()
        if name.startswith("answers/") and ".json" in name
    ]
    return {answer["question"]: answer["rows"] for answer in told}


def test_a_case_alone_is_answered_as_it_is_among_all(kept: Kept, tmp_path: Path) -> None:
    whole = _answers(kept.packed(tmp_path, Scope(call=CALL))[1])
    for case in kept.cases[:6]:
        pack = kept.packed(tmp_path, Scope(case=case))[1]
        number = json.loads(pack.read("pack.json"))["scope"]["number"]
        alone = _answers(pack)
        assert alone.keys() == whole.keys() - OF_THE_WHOLE_CALL
        for name, rows in alone.items():
            about = [row for row in rows if row["found"].get("case")]
            assert about == [row for row in whole[name] if row["found"].get("case") == number], name


def test_every_answer_points_at_events_of_the_pack(kept: Kept, tmp_path: Path) -> None:
    pack = kept.packed(tmp_path, Scope(call=CALL))[1]
    events = {f"{one['event']['stream']}.{one['event']['version']}" for one in verified(pack)}
    answers = _answers(pack)
    assert len(answers) == 27
    assert all({*row["events"]} <= events for rows in answers.values() for row in rows)


def test_the_csv_has_the_rows_of_the_json(kept: Kept, tmp_path: Path) -> None:
    pack = kept.packed(tmp_path, Scope(call=CALL))[1]
    raw = pack.read("answers/14-letters.csv")
    assert raw.startswith(b"\xef\xbb\xbf")
    header, *lines = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=";")
    rows = json.loads(pack.read("answers/14-letters.json"))["rows"]
    assert header == [*rows[0]["found"], "events"]
    assert [line[-1].split() for line in lines] == [row["events"] for row in rows]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1+1", "'=1+1"), ("+47 22 22", "'+47 22 22"), ("-", "'-"), ("@SUM(A1)", "'@SUM(A1)"), ("\tx", "'\tx"),
        ("\r=x", "'\r=x"), (" =x", "' =x"), ("\N{FULLWIDTH EQUALS SIGN}x", "'\N{FULLWIDTH EQUALS SIGN}x"),
        ("-5", "-5"), ("+5,5", "+5,5"), ("-12.50", "-12,50"), ("5.65", "5,65"), (7, "7"), (-7, "-7"), (None, ""),
        (True, "true"), ({"a": "=1"}, '{"a":"=1"}'), ("Å\u00a0=", "Å\u00a0="),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(value: object, shown: str) -> None:
    assert cell(value) == shown


# What is refused, and leaves nothing behind


def test_a_disk_that_fails_leaves_nothing(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Full(archive.Archive):
        room = 0

        def write(self, name: str, content: bytes) -> None:
            Full.room -= 1
            if not Full.room:
                fails(0)
            super().write(name, content)

    with monkeypatch.context() as patched:
        patched.setattr(archive, "Archive", Full)
        for room in (1, 4, 9):
            Full.room = room
            with pytest.raises(CantWrite, match="No space left"):
                kept.packed(tmp_path, Scope(call=CALL), asking=False)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fails)
        with pytest.raises(CantWrite, match="No space left"):
            kept.packed(tmp_path, Scope(call=CALL), asking=False)
    assert not [*tmp_path.iterdir()]


def test_an_interruption_leaves_nothing(kept: Kept, tmp_path: Path) -> None:
    def stop(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pack(kept.app.store, kept.note, Scope(call=CALL), tmp_path / "p.zip", progress=stop)
    assert not [*tmp_path.iterdir()]


def test_a_disk_that_is_full_in_the_middle_of_a_file_leaves_nothing(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/dev/full takes nothing: the words that a ZIP file closes with fail as well."""
    real = os.fdopen

    def full(handle: int, mode: str) -> Any:
        os.close(handle)
        return real(os.open("/dev/full", os.O_RDWR), mode)

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(CantWrite, match="No space left"):
        kept.packed(tmp_path, Scope(call=CALL), asking=False)
    monkeypatch.undo()
    assert not [*tmp_path.iterdir()]


def test_nothing_is_written_over_and_nowhere_else(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "there.zip").write_text("kept")
    with pytest.raises(CantWrite, match="there already"):
        write_pack(kept.app.store, kept.note, Scope(call=CALL), tmp_path / "there.zip")
    assert (tmp_path / "there.zip").read_text() == "kept"
    with pytest.raises(CantWrite, match="can't be written"):
        write_pack(kept.app.store, kept.note, Scope(call=CALL), tmp_path / "no" / "such" / "folder.zip")


def test_what_is_not_there_can_not_be_packed(kept: Kept, tmp_path: Path) -> None:
    for scope in (Scope(call="no-such-call"), Scope(case=uuid4())):
        with pytest.raises(NotFound):
            kept.packed(tmp_path, scope)
    with pytest.raises(ValueError, match="of a call or of a case"):
        Scope()
    assert not [*tmp_path.iterdir()]


def test_the_checkpoint_is_the_ledgers_own(kept: Kept, tmp_path: Path) -> None:
    text, _, _ = kept.note.partition("\n\n")
    for note in (
        "",
        "hello",
        f"{text}\n\n— somebody AAAAAAAA\n",
        kept.note.replace(f"\n{kept.app.store.last_position()}\n", "\n3\n"),
    ):
        with pytest.raises(BadCheckpoint):
            write_pack(kept.app.store, note, Scope(call=CALL), tmp_path / "p.zip")
    assert not [*tmp_path.iterdir()]


def test_what_came_after_the_checkpoint_is_not_in_it(server: str, template: str, tmp_path: Path) -> None:
    with fresh_database(server, template) as address, Store(address) as store:
        app = App.on(store, tmp_path / "keys")
        call = Call.read(variant(OTHER, "7900000.00"))
        app.service.calls.publish(call.files, by_lead(OTHER))
        (first,) = prepared(store, call, 1, *submitted())
        old = app.ledger.seal()
        (second,) = prepared(store, call, 1, *submitted())
        write_pack(store, old, Scope(call=OTHER), tmp_path / "before.zip", questions=())
        with pytest.raises(NotFound, match="covers no case"):
            write_pack(store, old, Scope(case=second), tmp_path / "second.zip", questions=())
        app.ledger.seal()
        write_pack(store, old, Scope(call=OTHER), tmp_path / "after.zip", questions=())
    streams = {UUID(one["event"]["stream"]) for one in verified(ZipFile(tmp_path / "before.zip"))}
    assert first in streams
    assert second not in streams
    before, after = (ZipFile(tmp_path / f"{name}.zip").read("events.jsonl") for name in ("before", "after"))
    assert before == after


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("UPDATE stored_events SET state = state || '\\x20'::bytea WHERE notification_id = 5", "changed"),
        ("UPDATE stored_events SET topic = 'case-closed@1' WHERE notification_id = 5", "changed"),
        ("DELETE FROM stored_events WHERE notification_id = (SELECT max(position) FROM ledger_leaves)", "changed"),
        ("DELETE FROM stored_events WHERE notification_id = 5", "changed"),
        ("UPDATE ledger_leaves SET fields = hash WHERE position = 5", "changed"),
        ("UPDATE ledger_nodes SET hash = substring(hash FROM 2) || '\\x00'::bytea", "changed"),
        ("DELETE FROM ledger_leaves WHERE position = 5", "not sealed"),
        ("DELETE FROM documents", "not kept"),
        ("UPDATE documents SET content = content || '\\x00'::bytea", "is not what it was"),
    ],
)  # fmt: skip
def test_a_log_that_was_changed_is_no_evidence(
    server: str, template: str, tmp_path: Path, harm: str, told: str
) -> None:
    with fresh_database(server, template) as address, Store(address) as store:
        app = App.on(store, tmp_path / "keys")
        call = Call.read(variant(OTHER, "7900000.00"))
        app.service.calls.publish(call.files, by_lead(OTHER))
        start, *rest = submitted()
        (case,) = prepared(store, call, 1, start, attached(), *rest)
        attachment = next(one.event for one in store.load(case) if hasattr(one.event, "attachment"))
        _keep(store, attachment.attachment.digest)
        for more in range(260 if "ledger_nodes" in harm else 0):  # a node stands over 256 events
            delegate_to(app.service, f"BDM {more}", f"person {more}")
        note = app.ledger.seal()
        with psycopg.connect(address, autocommit=True) as owner:
            for table in ("stored_events", "ledger_leaves", "ledger_nodes", "documents"):
                owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            owner.execute(harm)
        with pytest.raises((NotAsSealed, NotSealed), match=told):
            write_pack(store, note, Scope(call=OTHER), tmp_path / "p.zip", questions=())
    assert not [*tmp_path.glob("*.zip")]
    assert not [*tmp_path.glob(".*")]


def _keep(store: Store, digest: str) -> None:
    assert sha256(PDF).hexdigest() == digest
    store.put_document(digest, "application/pdf", PDF)
