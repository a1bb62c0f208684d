"""The ledger as it is used: sealed, signed by several keys, proved to those who hold a receipt, seen by witnesses."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from noted import append, noted

from grantflow.domain.errors import BadRequest, NotFound
from grantflow.ledger.book import Inclusion, Ledger
from grantflow.ledger.keys import BadKeys, KeyFile
from grantflow.ledger.leaf import Place, hash_of
from grantflow.ledger.merkle import EMPTY, is_consistent, root_from_inclusion
from grantflow.ledger.note import COSIGNATURE, Checkpoint, Note, Verifier, signature_line

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from grantflow.store import Store

pytestmark = pytest.mark.usefixtures("noted_is_known")


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    """Give a key file that isn't there yet."""
    return KeyFile(tmp_path / "deep" / "ledger.keys")


@pytest.fixture
def ledger(store: Store, keys: KeyFile) -> Ledger:
    """Give the ledger of an empty log."""
    return Ledger(store, keys, "tilskudd.example/log")


def written(store: Store, many: int) -> UUID:
    """So many events in a stream of their own."""
    stream = uuid4()
    for version in range(1, many + 1):
        store.append(append(noted(stream, version, f"note {version}"))).result()
    return stream


def checkpoint(note: str) -> Checkpoint:
    return Checkpoint.read(Note.read(note).text)


def proves(inclusion: Inclusion) -> bool:
    """Whether the proof leads from the leaf to the root of its own checkpoint."""
    checkpoint = Checkpoint.read(Note.read(inclusion.checkpoint).text)
    path = [bytes.fromhex(step) for step in inclusion.proof]
    leaf = bytes.fromhex(inclusion.leaf)
    return root_from_inclusion(leaf, inclusion.index, checkpoint.size, path) == checkpoint.root


def continues(old: Checkpoint, new: Checkpoint, proof: list[bytes]) -> bool:
    """Whether a proof shows that the log of one checkpoint begins with that of another."""
    return old.origin == new.origin and is_consistent(old.size, old.root, new.size, new.root, proof)


def test_an_empty_log_has_a_checkpoint_too(ledger: Ledger) -> None:
    assert checkpoint(ledger.seal()) == Checkpoint("tilskudd.example/log", 0, EMPTY)


def test_a_checkpoint_speaks_of_all_that_was_stored_and_is_made_once(store: Store, ledger: Ledger) -> None:
    written(store, 5)
    first = ledger.seal()
    assert checkpoint(first).size == 5
    assert ledger.seal() == first == ledger.checkpoint()
    written(store, 1)
    assert checkpoint(ledger.seal()).size == 6
    assert ledger.checkpoint() != first


def test_nothing_was_sealed_before_somebody_asks(ledger: Ledger) -> None:
    with pytest.raises(NotFound, match="Nothing is sealed yet"):
        ledger.checkpoint()


def test_many_who_seal_at_once_make_one_tree(store: Store, keys: KeyFile) -> None:
    keys.add("tilskudd.example/log")
    with ThreadPoolExecutor(6) as pool:
        writing = [pool.submit(written, store, 20) for _ in range(3)]
        sealing = [pool.submit(lambda: [Ledger(store, keys).seal() for _ in range(5)]) for _ in range(3)]
        wait(writing)
        wait(sealing)
    last = checkpoint(Ledger(store, keys).seal())
    assert last.size == 60
    for future in sealing:
        for note in future.result():
            earlier = checkpoint(note)
            proof = Ledger(store, keys).consistency(earlier.size, last.size).proof
            assert continues(earlier, last, [bytes.fromhex(step) for step in proof])


def test_a_receipt_is_exchanged_for_a_proof_that_leads_to_a_signed_root(
    store: Store, ledger: Ledger, keys: KeyFile
) -> None:
    stream = written(store, 7)
    proof = ledger.prove(f"{stream}.4", digest=store.digest(4))
    assert (proof.position, proof.index, proof.size, proof.topic) == (4, 3, 7, "test-noted@1")
    assert proves(proof)
    place = Place(4, stream.bytes, 4, "test-noted@1")
    leaf = hash_of(place, bytes.fromhex(proof.body), bytes.fromhex(proof.fields))
    assert leaf.hex() == proof.leaf
    assert Note.read(proof.checkpoint).signed_by(keys.signers("")[0].verifier)
    assert ledger.prove("4") == proof


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ("9", "There is no event 9"),
        ("0", "There is no event 0"),
        ("x", "is no event"),
        ("x.1", "is no event"),
        ("00000000-0000-0000-0000-000000000009.1", "There is no event"),
        ("9" * 30, "is no event|There is no event"),
    ],
)
def test_what_is_no_event_is_not_proved(ledger: Ledger, store: Store, event: str, says: str) -> None:
    written(store, 2)
    with pytest.raises((NotFound, BadRequest), match=says):
        ledger.prove(event)


def test_a_receipt_for_something_else_is_refused(ledger: Ledger, store: Store) -> None:
    written(store, 2)
    with pytest.raises(BadRequest, match="and the receipt says"):
        ledger.prove("1", digest=store.digest(2))


def test_the_log_is_shown_to_have_only_grown(store: Store, ledger: Ledger) -> None:
    written(store, 3)
    old = checkpoint(ledger.seal())
    written(store, 4)
    proof = ledger.consistency(3)
    new = checkpoint(proof.checkpoint)
    steps = [bytes.fromhex(step) for step in proof.proof]
    assert continues(old, new, steps)
    assert not continues(old._replace(root=bytes(32)), new, steps)
    assert not continues(old._replace(origin="another"), new, steps)
    for wrong in (8, -1):
        with pytest.raises(BadRequest, match="give sizes from 0"):
            ledger.consistency(wrong)
    with pytest.raises(NotFound, match="No checkpoint was made"):
        ledger.consistency(1, 2)


def test_a_new_key_signs_beside_the_old_one_and_alone_when_that_is_retired(
    store: Store, ledger: Ledger, keys: KeyFile
) -> None:
    written(store, 1)
    first = ledger.seal()
    (old,) = keys.signers("")
    new = keys.add("tilskudd.example/log")
    both = Note.read(ledger.seal())
    assert both.text == Note.read(first).text
    assert both.signed_by(old.verifier)
    assert both.signed_by(new.verifier)
    keys.retire(old.verifier.id.hex())
    written(store, 1)
    alone = Note.read(ledger.seal())
    assert not alone.signed_by(old.verifier)
    assert alone.signed_by(new.verifier)
    assert set(ledger.known_keys()["signer"]) == {old.verifier, new.verifier}
    with pytest.raises(BadKeys, match="the only key that signs"):
        keys.retire(new.verifier.id.hex())
    with pytest.raises(BadKeys, match="No signing key"):
        keys.retire("00000000")


def test_the_key_file_is_its_owners_alone_and_a_broken_line_is_named_without_being_shown(
    keys: KeyFile,
) -> None:
    keys.add("a.example/log")
    assert keys.path.stat().st_mode & 0o777 == 0o600
    keys.path.write_text("PRIVATE+KEY+a+00000000+c2VjcmV0\n")
    with pytest.raises(BadKeys, match=r"ledger\.keys, line 1") as refusal:
        keys.signers("")
    assert "c2VjcmV0" not in str(refusal.value)


def test_a_witness_gets_what_it_needs_and_its_answer_is_kept_with_the_checkpoint(
    store: Store, ledger: Ledger
) -> None:
    written(store, 3)
    old = checkpoint(ledger.seal())
    written(store, 2)
    request = ledger.for_witness(3)
    head, _, note = request.partition("\n\n")
    said, *proof = head.splitlines()
    assert said == "old 3"
    new = checkpoint(note)
    assert continues(old, new, [base64.b64decode(step) for step in proof])

    seed = Ed25519PrivateKey.generate()
    witness = Verifier("witness.example/w1", COSIGNATURE, seed.public_key().public_bytes_raw())
    message = f"cosignature/v1\ntime 1700000000\n{Note.read(note).text}".encode()
    answer = signature_line(witness, (1_700_000_000).to_bytes(8, "big") + seed.sign(message))
    with pytest.raises(BadRequest, match="no trusted witness's signature"):
        ledger.take_cosignatures(answer)
    ledger.trust_witness(str(witness))
    assert ledger.take_cosignatures(answer) == ["witness.example/w1"]
    assert Note.read(ledger.checkpoint()).signed_by(witness)
    written(store, 1)
    ledger.seal()
    with pytest.raises(BadRequest, match="no trusted witness's signature"):
        ledger.take_cosignatures(answer)
    assert ledger.take_cosignatures(answer, size=5) == ["witness.example/w1"]


def test_only_a_witnesss_key_is_trusted_as_one(ledger: Ledger, keys: KeyFile) -> None:
    with pytest.raises(BadRequest, match="not a witness's key"):
        ledger.trust_witness(str(keys.add("a.example/log").verifier))
    with pytest.raises(BadRequest, match="is not base64"):
        ledger.trust_witness("a+b+c")


def test_what_is_sealed_can_not_be_changed_by_a_careless_program(store: Store, ledger: Ledger) -> None:
    written(store, 2)
    ledger.seal()
    for table in ("ledger_leaves", "ledger_nodes", "ledger_checkpoints"):
        with pytest.raises(psycopg.Error, match="append-only"), store.connection() as connection:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608
