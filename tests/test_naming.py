"""What names a person is kept beside the log, and erased by its key: nothing else is changed, and nothing is lost."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from given import START
from psycopg import sql
from spoken import speaking
from steps import CALL_FOLDER

from grantflow.app import App
from grantflow.definitions import definition_files
from grantflow.demo import Story, play
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.errors import RoleNotAllowed
from grantflow.domain.event import Entry
from grantflow.domain.letters import LetterIssued
from grantflow.domain.person import PersonErased, PersonNamed
from grantflow.naming import opened
from grantflow.states import person_stream
from grantflow.store import Append, Store
from grantflow.verification import Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spoken import Answer

IMDI = "987879696"
LEAD = ("--as", "imdi-lead", "--org", IMDI)
KARI = "Kari Nordmann"
GROUNDS = ("--grounds", "Sluttet, og har bedt om det (personvernforordningen artikkel 17).")


@pytest.fixture(scope="module")
def app(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A small year, sealed."""
    with Store(module_database_url) as store:
        app = App.on(store, tmp_path_factory.mktemp("keys") / "ledger.keys")
        play(app, definition_files(CALL_FOLDER), Story(12))
        app.projector.catch_up()
        app.ledger.seal()
        yield app


@pytest.fixture
def say(
    app: App, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Give what runs one command on that year."""
    return speaking(app.store.database_url, monkeypatch, capsys)


def letter_of(app: App) -> LetterIssued:
    """The letter of the first case that has one."""
    issued = (entry.event for entry in app.store.read(0, 100_000))
    return next(event for event in issued if isinstance(event, LetterIssued))


def lead(command: str) -> Circumstances:
    """Whoever leads the call, with a command."""
    return Circumstances(
        at=datetime.now(UTC),
        person="imdi-lead",
        organisation=IMDI,
        role="call-manager",
        channel="test",
        command=command,
    )


def key_of(app: App, person: str) -> bytes | None:
    with app.store.connection() as connection:
        row = connection.execute("SELECT key FROM person_keys WHERE person = %s", (person,)).fetchone()
    return row[0] if row else None


def test_a_name_stands_by_the_pseudonym_until_it_is_erased_and_the_log_stays_as_it_was(
    app: App, say: Callable[..., Answer]
) -> None:
    letter = letter_of(app)
    who = letter.signed_by
    case = str(next(e for e in app.store.read(0, 100_000) if e.event == letter).originator_id)
    look = [("case", "history", case), ("case", "letter", case)]
    before = [say(*words).out for words in look]
    assert say("people", "name", who, "--name", "-", *LEAD, stdin=f"{KARI}\n").code == 0
    shown = [say(*words).out for words in look]
    for page in shown:
        assert f"{KARI} ({who})" in page
    assert shown[1] == before[1].replace(f"\n{who}\n", f"\n{KARI} ({who})\n")
    row = next(r for r in say(*look[0], "--json").json["items"] if r["person"] == who)
    assert row["name"] == KARI
    told = say(*look[1], "--json").json["items"][0]
    assert (told["facts"]["text"], told["facts"]["signed_by"]) == (letter.text, who)
    assert told["letter"].endswith(f"\n{KARI} ({who})\n")
    assert say("people", "erase", who, *GROUNDS, *LEAD).code == 0
    assert [say(*words).out for words in look] == before
    assert all(r["name"] is None for r in say(*look[0], "--json").json["items"])


def test_people_are_listed_shown_renamed_and_after_erasing_only_that_is_told(
    say: Callable[..., Answer],
) -> None:
    assert "No name is recorded" in say("people", "show", "p-1").err
    assert say("people", "name", "p-1", "--name", KARI, *LEAD).code == 0
    assert say("people", "name", "p-1", "--name", "A\u030ase Øye", *LEAD).code == 0
    assert say("people", "show", "p-1", "--json").json["name"] == "\u00c5se Øye", "the newest, in NFC"
    assert "Åse Øye" in say("people", "list").out
    assert say("people", "erase", "p-1", *GROUNDS, *LEAD).code == 0
    told = say("people", "show", "p-1").out
    assert "artikkel 17" in told
    assert "Åse" not in told
    row = next(row for row in say("people", "list", "--json").json["items"] if row["person"] == "p-1")
    assert (row["name"], row["erased"] is None) == (None, False)
    again = say("people", "name", "p-1", "--name", "Åse Øye", *LEAD)
    assert (again.code, "was erased, for good" in again.err) == (1, True)
    twice = say("people", "erase", "p-1", *GROUNDS, *LEAD)
    assert (twice.code, "is erased already" in twice.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("name", "p-2", "--name", " ", *LEAD), "1 to 200 printable characters"),
        (("name", "p-2", "--name", "x" * 201, *LEAD), "1 to 200 printable characters"),
        (("name", "p-2", "--name", "Kari\nNordmann", *LEAD), "1 to 200 printable characters"),
        (("name", "p-2", "--name", "Kari \u202e", *LEAD), "1 to 200 printable characters"),
        (("name", "p-2", "--name", "Kari 01010750160", *LEAD), "identity-number"),
        (("name", "01010750160", "--name", "Kari", *LEAD), "identity-number"),
        (("name", "", "--name", "Kari", *LEAD), "person is empty"),
        (("erase", "p-2", *GROUNDS, *LEAD), "No name is recorded"),
        (("erase", "p-3", "--grounds", " ", *LEAD), "grounds is empty"),
        (("erase", "p-3", "--grounds", "Ola NORDMANN har bedt om det.", *LEAD), "a part of the name"),
        (("erase", "p-3", *GROUNDS, "--as", "x", "--org", "958935420"), "not-the-authority"),
        (("name", "p-3", "--name", "Per", "--as", "x", "--org", "958935420"), "not-the-authority"),
    ],
)
def test_what_is_not_a_name_or_not_ones_business_is_refused_and_never_repeated(
    say: Callable[..., Answer], words: tuple[str, ...], says: str
) -> None:
    say("people", "name", "p-3", "--name", "Ola Nordmann", *LEAD)
    answer = say("people", *words)
    assert answer.code == 1
    assert says in answer.err
    assert "Kari" not in answer.err
    assert say("people", "show", "p-3", "--json").json["name"] == "Ola Nordmann"


def test_only_a_call_manager_names_and_erases(app: App) -> None:
    by = Circumstances(
        at=START, person="x", organisation=IMDI, role="decider", channel="test", command="name p-8"
    )
    with pytest.raises(RoleNotAllowed):
        app.service.people.name("p-8", KARI, by)
    with pytest.raises(RoleNotAllowed):
        app.service.people.erase("p-8", "Ba om det.", by)
    assert key_of(app, "p-8") is None


def test_the_same_command_again_is_answered_and_another_name_under_its_key_is_refused(
    app: App, say: Callable[..., Answer]
) -> None:
    asked = ("people", "name", "p-4", "--key", "once", *LEAD, "--json", "--name")
    first, again = say(*asked, "Kari").json, say(*asked, "Kari").json
    assert (first["event"], first["repeated"]) == (again["event"], False)
    assert again["repeated"]
    assert say(*asked, "Per").json["code"] == "idempotency-key-reused"
    gone = ("people", "erase", "p-4", *GROUNDS, "--key", "gone", *LEAD, "--json")
    assert say(*gone).json["event"] == say(*gone).json["event"]
    assert key_of(app, "p-4") is None


def test_the_key_goes_in_the_transaction_that_stores_the_erasure_whoever_stores_it(
    app: App, say: Callable[..., Answer]
) -> None:
    for person in ("p-5", "p-6"):
        say("people", "name", person, "--name", KARI, *LEAD)
    known = app.service.states.person("p-5")
    stamp = app.store.load(known.id)[0].event.stamp
    erased = Entry(known.id, 2, PersonErased(person="p-5", grounds="Ba om det.", stamp=stamp))
    app.store.append(Append("by another way", b"", (erased,))).result()
    assert key_of(app, "p-5") is None
    assert key_of(app, "p-6") is not None


def test_a_key_that_came_back_from_a_backup_opens_nothing_and_goes_when_erasing_is_asked_again(
    app: App, say: Callable[..., Answer]
) -> None:
    say("people", "name", "p-7", "--name", KARI, *LEAD)
    key = key_of(app, "p-7")
    say("people", "erase", "p-7", *GROUNDS, *LEAD)
    with app.store.connection() as connection:
        row = ("p-7", person_stream("p-7"), key)
        connection.execute("INSERT INTO person_keys (person, stream, key) VALUES (%s, %s, %s)", row)
    assert say("people", "show", "p-7", "--json").json["name"] is None
    assert "is erased already" in say("people", "erase", "p-7", *GROUNDS, *LEAD).err
    assert key_of(app, "p-7") is None


def test_the_ledger_verifies_before_and_after_and_no_table_holds_the_name_or_the_key(
    app: App, say: Callable[..., Answer]
) -> None:
    secret = "Ragnhild Øverås-Kleppestø"  # noqa: S105 - a name that stands nowhere else
    who = "imdi-officer-1"
    say("people", "name", who, "--name", secret, *LEAD)
    app.ledger.seal()
    assert faults(app) == ()
    key = key_of(app, who)
    named = app.store.load(person_stream(who))[0].event
    assert key is not None
    assert isinstance(named, PersonNamed)
    assert opened(named.sealed, key, who) == secret
    assert opened(named.sealed, key, "imdi-officer-2") is None, "a name can't be moved to another person"
    assert key in everything(app.store.database_url), "the dump would show it"
    say("people", "erase", who, *GROUNDS, *LEAD)
    app.ledger.seal()
    app.projector.catch_up()
    assert faults(app) == ()
    dump = everything(app.store.database_url)
    for form in (*forms(key), *forms(secret.encode()), *forms(secret.encode("utf-16-le"))):
        assert form not in dump
    for part in secret.replace("-", " ").split():
        assert part.encode() not in dump
    assert named.sealed.encode() in dump, "what was sealed stays, for the ledger's sake"
    log = (entry.event for entry in app.store.read(0, 100_000))
    sizes = {len(event.sealed) for event in log if isinstance(event, PersonNamed)}
    assert len(sizes) == 1, "its length says nothing of the name's"


@pytest.mark.parametrize("where", ["this database", "another database"])
def test_erasing_waits_for_whoever_began_to_write_before_so_that_the_key_leaves_the_disk(
    app: App, server: str, say: Callable[..., Answer], where: str
) -> None:
    """PostgreSQL keeps what was deleted while an older transaction goes on, in any database of the server."""
    who = f"imdi-officer-{where}".replace(" ", "-")
    say("people", "name", who, "--name", "Ola Nordmann", *LEAD)
    key = key_of(app, who)
    assert key is not None
    address = app.store.database_url if where == "this database" else server
    with psycopg.connect(address) as older, ThreadPoolExecutor(1) as threads:
        older.execute("SELECT pg_current_xact_id()")
        erasing = threads.submit(app.service.people.erase, who, "Sluttet.", lead(who))
        assert not wait([erasing], timeout=1).done
        older.rollback()
        erasing.result(20)
    assert key not in everything(app.store.database_url)


def faults(app: App) -> Any:
    return Verification(app.store, app.projector).run().faults


def forms(value: bytes) -> tuple[bytes, ...]:
    """A value as it could stand in a table: as it is, in hexadecimal, in base64 at any of its three offsets."""
    coded = [base64.b64encode(b"\x00" * n + value)[4:-4] for n in range(3)]
    return (value, value.hex().encode(), *coded)


def everything(url: str) -> bytes:
    """Every row of every table that isn't PostgreSQL's own, bytes as bytes; and the file of the table of keys."""
    parts: list[bytes] = []
    with psycopg.connect(url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert ("public", "person_keys") in tables
        for schema, table in tables:
            for row in connection.execute(
                sql.SQL("SELECT * FROM {}.{}").format(*map(sql.Identifier, (schema, table)))
            ):
                parts += [cell if isinstance(cell, bytes) else str(cell).encode() for cell in row]
        connection.execute("CHECKPOINT")
        file = connection.execute(
            "SELECT pg_read_binary_file(pg_relation_filepath('person_keys'))"
        ).fetchone()
        assert file is not None
        parts.append(file[0])
    return b"\n".join(parts)
