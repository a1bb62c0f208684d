"""Signed notes and checkpoints, read by the letter of their specification, written here once more from scratch."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from grantflow.ledger.merkle import EMPTY
from grantflow.ledger.note import COSIGNATURE, Checkpoint, Note, Signer, Verifier, signature_line

SIGNER = Signer("tilskudd.example/log", bytes(range(32)))
CHECKPOINT = Checkpoint("tilskudd.example/log", 12, sha256(b"root").digest())


def signed(text: str, *signers: Signer) -> str:
    return f"{text}\n{''.join(signer.sign(text) for signer in signers)}"


def opened_by_the_letter(note: str, vkey: str) -> tuple[str, int, bytes]:
    """C2SP signed-note and tlog-checkpoint, as a stranger would write it: the origin, the size and the root."""
    name, told, key = vkey.split("+", 2)
    raw = base64.b64decode(key)
    assert raw[0] == 1
    assert sha256(f"{name}\n".encode() + raw).digest()[:4].hex() == told
    body, signatures = note.rsplit("\n\n", 1)
    body += "\n"
    mine = [line for line in signatures.splitlines() if line.startswith(f"\u2014 {name} ")]
    decoded = [base64.b64decode(line.split(" ")[2]) for line in mine]
    (signature,) = [one[4:] for one in decoded if one[:4].hex() == told]
    Ed25519PublicKey.from_public_bytes(raw[1:]).verify(signature, body.encode())
    origin, size, root, rest = body.split("\n")
    assert rest == ""
    return origin, int(size), base64.b64decode(root)


def test_a_checkpoint_is_read_by_whoever_follows_the_specification() -> None:
    note = signed(str(CHECKPOINT), SIGNER)
    assert opened_by_the_letter(note, str(SIGNER.verifier)) == tuple(CHECKPOINT)
    assert opened_by_the_letter(signed(str(CHECKPOINT), Signer.new("a/b"), SIGNER), str(SIGNER.verifier))


def test_a_checkpoint_is_read_back_as_it_was_written() -> None:
    note = Note.read(signed(str(CHECKPOINT), SIGNER))
    assert note.signed_by(SIGNER.verifier)
    assert Checkpoint.read(note.text) == CHECKPOINT
    assert not note.signed_by(Signer.new(SIGNER.name).verifier)


def test_a_key_is_read_back_as_it_was_written_and_shows_no_secret() -> None:
    assert Verifier.read(str(SIGNER.verifier)) == SIGNER.verifier
    assert Signer.read(SIGNER.secret) == SIGNER
    assert base64.b64encode(SIGNER.seed).decode()[:20] not in repr(SIGNER)


def test_two_keys_sign_the_same_note_and_either_is_enough() -> None:
    other = Signer.new(SIGNER.name)
    note = Note.read(signed(str(CHECKPOINT), SIGNER, other))
    assert note.signed_by(SIGNER.verifier)
    assert note.signed_by(other.verifier)


def test_a_witness_signs_with_the_time_it_says() -> None:
    seed = Ed25519PrivateKey.from_private_bytes(bytes(32))
    witness = Verifier("witness.example", COSIGNATURE, seed.public_key().public_bytes_raw())
    message = f"cosignature/v1\ntime 1700000000\n{CHECKPOINT}".encode()
    line = signature_line(witness, (1_700_000_000).to_bytes(8, "big") + seed.sign(message))
    note = signed(str(CHECKPOINT), SIGNER) + line
    assert Note.read(note).signed_by(witness)
    later = signature_line(witness, (1_700_000_001).to_bytes(8, "big") + seed.sign(message))
    assert not Note.read(signed(str(CHECKPOINT), SIGNER) + later).signed_by(witness)
    assert Verifier.read(str(witness)) == witness


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=300, deadline=None)
def test_a_note_with_one_bit_turned_is_signed_by_nobody(at: int, bit: int) -> None:
    raw = bytearray(signed(str(CHECKPOINT), SIGNER).encode())
    raw[at % len(raw)] ^= 1 << bit
    try:
        assert not Note.read(raw.decode()).signed_by(SIGNER.verifier)
    except ValueError:
        return


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "text\n",
        "text\n\n",
        "text\n\n— a b",
        "text\n\n- a AAAAAAA=\n",
        "text\n\n— a+b AAAAAAA=\n",
        "\n\n— a !!\n",
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(ValueError, match=r"note|signature line"):
        Note.read(note)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n",
        "a\n1\n",
        "a\n01\nAAAA\n",
        "a\n-1\n" + base64.b64encode(EMPTY).decode() + "\n",
        "a\n1\nAAAA\n",
        "\n1\n" + base64.b64encode(EMPTY).decode() + "\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a checkpoint is three lines"):
        Checkpoint.read(text)


@pytest.mark.parametrize(
    "key", ["", "a", "a+b", "a+00000000+AAAA", "a+00000000+" + base64.b64encode(b"\x01" + bytes(32)).decode()]
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        Verifier.read(key)
