"""A database that version 1 made and filled: brought up to date, it answers, proves and verifies as it did."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from os import urandom
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import psycopg
import pytest
from conftest import fresh_database
from living import Lives
from noted import append, noted
from variants import delegate_to
from ways import first_way

from grantflow import logs, outcomes, recorder
from grantflow.connections import connect
from grantflow.ledger.book import Ledger
from grantflow.ledger.keys import KeyFile
from grantflow.ledger.leaf import SALT_BYTES, Place, sealed
from grantflow.ledger.merkle import Frontier, inclusion_proof, is_consistent, root_from_inclusion
from grantflow.ledger.nodes import fetched
from grantflow.ledger.note import Checkpoint, Note
from grantflow.projector import Projector
from grantflow.recorder import CONFLICT, REPEATED, REUSED, STORED, insert_commands
from grantflow.rooms import projections
from grantflow.service import Service
from grantflow.store import KeyReused, Store
from grantflow.verification import Kept, Verification

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grantflow.connections import Connection
    from grantflow.recorder import Answer, StoredCommand

OLD = Path(__file__).with_name("schema_of_version_1.sql").read_text("utf-8")
SIZES = (3, 256, 300, 512, 560)
"""When it was sealed: before the first tile of 256 was whole, when it just was, and after two."""


class Before(NamedTuple):
    """What version 1 had, and what others have kept of it."""

    address: str
    keys: KeyFile
    commands: Sequence[StoredCommand]
    answers: Sequence[Answer]
    notes: Sequence[str]


class Past(NamedTuple):
    """What is stored: commands as they go to the statement that stores them, and documents."""

    commands: Sequence[StoredCommand]
    documents: Sequence[tuple[str, str, int, bytes]]


@pytest.fixture(scope="module")
def past(server: str, template: str) -> Past:
    """A call, the life of a case, and many delegations."""
    taken: list[StoredCommand] = []

    def noting(connection: Connection, commands: Sequence[StoredCommand]) -> list[Answer]:
        answers = insert_commands(connection, commands)
        taken.extend(
            command for command, answer in zip(commands, answers, strict=True) if answer.outcome == STORED
        )
        return answers

    logs.set_up("error", "json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outcomes, "insert_commands", noting)
        lives = Lives(first_way(), lambda: fresh_database(server, template), Counter())
        with lives.opened:
            lives.begin(0)
            lives.live(Random(0), lives.cases[0], "grant")  # noqa: S311 - no secret
            store = lives.service.store
            for more in range(SIZES[-1] - store.last_position()):
                delegate_to(lives.service, f"BDM {more}", f"person {more}", at=lives.now)
            with store.connection() as connection:
                documents = connection.execute("SELECT * FROM documents").fetchall()
    return Past(taken, documents)


@pytest.fixture
def before(server: str, past: Past, tmp_path: Path) -> Iterator[Before]:
    """The same commands stored and sealed as version 1 did it."""
    keys = KeyFile(tmp_path / "ledger.keys")
    with fresh_database(server, "template0") as address:
        with connect(address) as connection:
            connection.execute(OLD, prepare=False)
            connection.execute(
                "CREATE TABLE schema_version (version int NOT NULL, digest text NOT NULL, "
                "since timestamptz NOT NULL DEFAULT now())"
            )
            connection.execute("INSERT INTO schema_version VALUES (1, 'of version 1')")
            for document in past.documents:
                connection.execute("INSERT INTO documents VALUES (%s, %s, %s, %s)", document)
            answers = insert_commands(connection, past.commands)
            notes = sealed_as_before(connection, keys)
        yield Before(address, keys, past.commands, answers, notes)


def sealed_as_before(connection: Connection, keys: KeyFile) -> list[str]:
    """Every leaf with the digest of its body, a row for each node of every level, and a checkpoint of each size."""
    frontier, notes = Frontier(), []
    connection.execute("INSERT INTO ledger_keys VALUES ('origin', 'old.example/log')")
    (signer,) = keys.signers("old.example/log")
    connection.execute("INSERT INTO ledger_keys VALUES ('signer', %s)", (str(signer.verifier),))
    rows = connection.execute(
        "SELECT notification_id, originator_id, originator_version, topic, state FROM stored_events ORDER BY 1"
    )
    for position, stream, version, topic, state in rows.fetchall():
        leaf = sealed(Place(position, stream.bytes, version, topic), state, state, urandom(SALT_BYTES))
        connection.execute(
            "INSERT INTO ledger_leaves VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (position, stream, version, topic, *leaf[1:]),
        )
        for node in frontier.add(leaf.hash):
            connection.execute("INSERT INTO ledger_nodes VALUES (%s, %s, %s)", node)
        if position in SIZES:
            text = str(Checkpoint("old.example/log", position, frontier.root))
            notes.append(f"{text}\n{signer.sign(text)}")
            connection.execute(
                "INSERT INTO ledger_checkpoints VALUES (%s, %s, %s)", (len(notes), position, notes[-1])
            )
    return notes


def checkpoint(note: str) -> Checkpoint:
    return Checkpoint.read(Note.read(note).text)


def test_every_key_is_answered_as_before_and_only_for_what_was_asked(before: Before) -> None:
    another = sha256(b"another").digest()
    with Store(before.address) as store:
        for command, answer in zip(before.commands, before.answers, strict=True):
            answered = store.answered(command.key, command.body)
            assert answered is not None
            assert (answered.positions[0], answered.positions[-1]) == (answer.first, answer.last)
            with pytest.raises(KeyReused):
                store.answered(command.key, another)
    with connect(before.address) as connection:
        again = insert_commands(connection, before.commands)
        assert {answer.outcome for answer in again} == {REPEATED}
        assert [answer[1:] for answer in map(told, again)] == [
            answer[1:] for answer in map(told, before.answers)
        ]
        changed = [recorder.StoredCommand(one.key, another, one.events) for one in before.commands]
        assert {answer.outcome for answer in insert_commands(connection, changed)} == {REUSED}


def told(answer: Answer) -> tuple[int, int, int]:
    return answer.outcome, answer.first, answer.last


@pytest.mark.usefixtures("noted_is_known")
def test_what_builds_on_an_old_command_is_stored_after_it_and_after_no_other(before: Before) -> None:
    last = before.commands[-1]
    stream, version = UUID(str(last.events[-1].originator_id)), last.events[-1].originator_version
    with Store(before.address) as store, connect(before.address) as connection:
        for after, outcome in ((before.commands[0].key, CONFLICT), (last.key, STORED)):
            command = store._command(append(noted(stream, version + 1), after=after))
            assert insert_commands(connection, [command])[0].outcome == outcome


def test_the_ledger_verifies_and_holds_before_what_others_have_kept(before: Before) -> None:
    key = before.keys.signers("")[0].verifier
    kept = Kept((key,), tuple((f"copy {number}", note) for number, note in enumerate(before.notes)))
    with Store(before.address) as store:
        Projector(store, projections()).catch_up()
        verdict = Verification(store, Projector(store, projections()), kept).run()
        assert verdict.faults == ()
        assert (verdict.events, verdict.sealed, verdict.checkpoints) == (SIZES[-1], SIZES[-1], 2 * len(SIZES))
        recorded = store.entry(SIZES[-1]).event.stamp.recorded_at
        delegate_to(Service(store), "BDM later", "somebody later", at=recorded)
        assert checkpoint(Ledger(store, before.keys).seal()).size == SIZES[-1] + 1
        assert Verification(store, Projector(store, []), kept).run().faults == ()


def test_proofs_lead_to_the_old_checkpoints(before: Before) -> None:
    with Store(before.address) as store:
        ledger = Ledger(store, before.keys)
        new = checkpoint(ledger.seal())
        for old in map(checkpoint, before.notes):
            proof = [bytes.fromhex(step) for step in ledger.consistency(old.size).proof]
            assert is_consistent(old.size, old.root, new.size, new.root, proof)
            for position in {1, 2, old.size // 2, old.size}:
                leaf = bytes.fromhex(ledger.prove(str(position)).leaf)
                path = proof_at(store, position, old.size)
                assert root_from_inclusion(leaf, position - 1, old.size, path) == old.root


def proof_at(store: Store, position: int, size: int) -> list[bytes]:
    """A proof of inclusion in the tree as it was at a size."""
    with store.connection() as connection:
        return fetched(connection, lambda get: inclusion_proof(get, position - 1, size))


def test_nothing_is_kept_twice_and_everything_is_protected_again(
    before: Before, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(before.address).close()
    monkeypatch.setattr(recorder, "_SCHEMA_DIGEST", "another text")
    Store(before.address).close()  # once more, on what is new already
    with psycopg.connect(before.address, autocommit=True) as connection:
        assert connection.execute("SELECT level, index FROM ledger_nodes ORDER BY 1, 2").fetchall() == [
            (8, 0),
            (8, 1),
            (9, 0),
        ]
        for table in ("commands", "ledger_leaves", "ledger_nodes", "ledger_checkpoints"):
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="append-only"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("INSERT INTO ledger_nodes VALUES (7, 9, '')")
