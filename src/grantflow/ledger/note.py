"""Signed notes and checkpoints as other logs write them (C2SP: signed-note, tlog-checkpoint, tlog-cosignature).

A note is a text and, after an empty line, signatures of it: an em dash, the signer's name, and in base64 four bytes
that tell which key, followed by the signature. Keys are Ed25519.
"""

from __future__ import annotations

import base64
import binascii
from hashlib import sha256
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PLAIN, COSIGNATURE = 1, 4
"""What a key signs: the note itself, or, as a witness does, the note with the time at which it was seen."""
_KEY_BYTES = 32
_MOST_SIGNATURES = 100


class Verifier(NamedTuple):
    """A public key with its owner's name."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def read(cls, text: str) -> Self:
        """From its text, NAME+HASH+KEY. ValueError when it is none."""
        name, _, rest = text.strip().partition("+")
        told, _, key = rest.partition("+")
        try:
            raw = _decoded(key)
        except binascii.Error as error:
            msg = f"the key of {name!r} is not base64"
            raise ValueError(msg) from error
        found = cls(name, raw[0] if raw else 0, raw[1:])
        if not name or found.kind not in (PLAIN, COSIGNATURE) or len(found.public) != _KEY_BYTES:
            msg = f"{text.strip()[:80]!r} is no Ed25519 verifier key (NAME+HASH+KEY)"
            raise ValueError(msg)
        if found.id.hex() != told:
            msg = f"the key of {name!r} has the hash {found.id.hex()}, and says {told}"
            raise ValueError(msg)
        return found

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        raw = bytes([self.kind]) + self.public
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(raw).decode()}"

    def accepts(self, text: str, signature: bytes) -> bool:
        """Whether it is this key's signature of the text; a witness's signature begins with the time it gives."""
        message = text.encode()
        if self.kind == COSIGNATURE:
            if len(signature) <= 8:  # noqa: PLR2004 - eight bytes of time
                return False
            seconds = int.from_bytes(signature[:8], "big")
            message = f"cosignature/v1\ntime {seconds}\n".encode() + message
            signature = signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer(NamedTuple):
    """A private key with its owner's name. Never logged, and never printed but by `secret`."""

    name: str
    seed: bytes

    @classmethod
    def new(cls, name: str) -> Self:
        """A fresh key."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def read(cls, text: str) -> Self:
        """From its text, PRIVATE+KEY+NAME+HASH+KEY. ValueError, which does not show it, when it is none."""
        parts = text.strip().split("+", 4)
        try:
            raw = _decoded(parts[4])
            signer = cls(parts[2], raw[1:])
            good = parts[:2] == ["PRIVATE", "KEY"] and raw[0] == PLAIN and len(signer.seed) == _KEY_BYTES
        except (IndexError, binascii.Error):
            good = False
        if not good or signer.verifier.id.hex() != parts[3]:
            msg = "a line of the key file is no Ed25519 signer key (PRIVATE+KEY+NAME+HASH+KEY)"
            raise ValueError(msg)
        return signer

    @property
    def secret(self) -> str:
        """The text that the key file holds."""
        key = base64.b64encode(bytes([PLAIN]) + self.seed).decode()
        return f"PRIVATE+KEY+{self.name}+{self.verifier.id.hex()}+{key}"

    @property
    def verifier(self) -> Verifier:
        """The public key."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return Verifier(self.name, PLAIN, public)

    def __repr__(self) -> str:
        return f"Signer({self.name!r})"

    def sign(self, text: str) -> str:
        """The line of a note that holds this key's signature of its text."""
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return signature_line(self.verifier, signature)


class Signature(NamedTuple):
    """A signature as a note holds it: whose, the four bytes that tell the key, and the bytes."""

    name: str
    key: bytes
    signature: bytes


class Note(NamedTuple):
    """A signed text. `text` ends with a line feed, and is what is signed."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def read(cls, note: str) -> Self:
        """From its text. ValueError says what is wrong."""
        text, found, signed = note.rpartition("\n\n")
        lines = signed.splitlines()
        if not found or not lines or not note.endswith("\n") or len(lines) > _MOST_SIGNATURES:
            msg = "a signed note is a text, an empty line, and signature lines"
            raise ValueError(msg)
        return cls(text + "\n", tuple(map(read_signature, lines)))

    def signed_by(self, verifier: Verifier) -> bool:
        """Whether one of its signatures is by this key; one that names the key and is wrong counts for nothing."""
        return any(
            one.name == verifier.name
            and one.key == verifier.id
            and verifier.accepts(self.text, one.signature)
            for one in self.signatures
        )


class Checkpoint(NamedTuple):
    """The ledger at one size: its origin (the name it has in the world), how many leaves, and their root."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def read(cls, text: str) -> Self:
        """From the text of a note; lines after the third are extensions, which we neither write nor mind."""
        lines = text.split("\n")
        try:
            origin, size, root = lines[:3]
            found = cls(origin, int(size), _decoded(root))
        except (ValueError, binascii.Error) as error:
            msg = "a checkpoint is three lines: origin, size, root in base64"
            raise ValueError(msg) from error
        if not origin or str(found.size) != size or found.size < 0 or len(found.root) != _KEY_BYTES:
            msg = "a checkpoint is three lines: origin, size, root in base64"
            raise ValueError(msg)
        return found

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def signature_line(verifier: Verifier, signature: bytes) -> str:
    """One signature as a line of a note."""
    return f"— {verifier.name} {base64.b64encode(verifier.id + signature).decode()}\n"


def read_signature(line: str) -> Signature:
    """One line of a note as a signature. ValueError when it is none."""
    parts = line.split(" ")
    try:
        dash, name, raw = parts
        signature = _decoded(raw)
    except (ValueError, binascii.Error) as error:
        msg = f"{line[:80]!r} is no signature line (— NAME BASE64)"
        raise ValueError(msg) from error
    if dash != "—" or not name or "+" in name or len(signature) <= 4:  # noqa: PLR2004 - four bytes name the key
        msg = f"{line[:80]!r} is no signature line (— NAME BASE64)"
        raise ValueError(msg)
    return Signature(name, signature[:4], signature[4:])


def _decoded(text: str) -> bytes:
    """The bytes of base64 as it is always written: no two texts stand for the same. ValueError for any other."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        msg = "not base64 as it is written"
        raise binascii.Error(msg)
    return raw
