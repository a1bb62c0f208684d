"""Verify a GrantFlow evidence pack with nothing but Python 3.9 or newer: no package, no network.

It computes the hash of every event, puts them together into the root of the log's Merkle tree, and compares that with
the checkpoint that the log's owner signed; then it compares every other file with what the events say. It only reads.

Exit status: 0 everything holds, 3 something doesn't, 2 the pack (or the command) can't be read.
"""

# ruff: noqa: ANN401, EM101, INP001 - a pack may hold anything; codes are no messages; this file stands for itself

from __future__ import annotations

import argparse
import base64
import json
import re
import struct
import sys
import zipfile
import zlib
from datetime import datetime, timezone
from hashlib import sha256, sha512
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
MOST_FILES, MOST_BYTES, MOST_JSON, MOST_LINE = 200_000, 8192 * MIB, 128 * MIB, 64 * MIB
SMALL, MOST_RATIO, MOST_DEPTH, MOST_TOLD = 16 * MIB, 300, 100, 10_000
NUMBER_MOST, MOST_LEVELS, MOST_SIGNATURES = (1 << 63) - 1, 63, 100
SALT_BYTES, KEY_BYTES, SIGNATURE_BYTES, ID_BYTES, COSIGNATURE_BYTES = 16, 32, 64, 4, 76
LOG, WITNESS = 1, 4
"""What a key signs: checkpoints, or, as a witness does, checkpoints with the time."""
TOO_DEEP = "it is nested too deeply"
SHORTER, NO_NODE = "it is shorter than the archive says", "a node is no [level, index, hash]"
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    struct.error,
)

UNREADABLE = {
    "not-zip": "It is no whole ZIP file: {why}",
    "encrypted": "{file} is encrypted or compressed in a way that a pack never is",
    "too-large": "It is refused unopened: {why}",
    "no-pack": "pack.json can't be used: {why}",
    "format": "pack.json says the format {why}, and this verifier knows grantflow-pack/1",
}
FAULTS = {
    "file-name": "the name is none that a pack has",
    "file-twice": "the ZIP file holds this name more than once",
    "file-unlisted": "pack.json does not list this file",
    "file-missing": "the file is not in the pack",
    "file-changed": "its SHA-256 is not the one in pack.json",
    "file-broken": "it can't be unpacked whole: {why}",
    "file-malformed": "it is not as the format says: {why}",
    "scope": "the events are not what pack.json says the pack is about: {why}",
    "left-out": "the field {why} is left out, and pack.json does not say so",
    "event-count": "pack.json says {told} events, and there are {found}",
    "size": "it says the log's size is {told}, and the checkpoint says {found}",
    "origin": "it says the log is {told}, and the checkpoint says {found}",
    "line": "line {line} is no event as the format says: {why}",
    "body": "the event's JSON can't be used: {why}",
    "fields": "the event's text, salt and digest over its fields don't belong together: one of them was changed",
    "position": "it stands after the event at position {why}: out of order, or twice",
    "beyond": "the log ends at position {why}",
    "version": "it should be version {why} of its stream: an event is missing, twice, or out of order",
    "tree-gap": "neither an event nor a node of tree.json stands for the positions {why}",
    "tree-overlap": "an event or node at position {why} stands for what another one stands for already",
    "tree-extra": "tree.json has more nodes than are needed, at position {why}",
    "root": "the events and tree.json give the root {found}, and it says {told}: something in them was changed",
    "signature": "the signature by {why} is wrong: the checkpoint or the signature was changed",
    "unsigned": "no key that is trusted here has signed it; it bears the names {why}",
    "document-changed": "its content is not what its name says (SHA-256)",
    "document-missing": "the event names a document that is not in the pack: {why}",
    "document-unnamed": "no event here names this document",
    "definition-changed": "it is not what the event that published it says",
    "definition-missing": "the event names a file of a definition that is not in the pack: {why}",
    "definition-unnamed": "no event here names this definition, or this file of it",
}
CORE = ("checkpoint.txt", "keys.txt", "events.jsonl", "tree.json")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MADE_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")
WHOLE = ["body", "fields", "position", "salt", "stream", "topic", "version"]
PARTIAL = ["body_digest", "fields", "position", "stream", "topic", "version"]


class Unreadable(Exception):  # noqa: N818 - it is what the pack is
    """The pack can't be read at all."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code, self.more = code, more


def demand(good: bool, why: str) -> None:  # noqa: FBT001 - it reads as a sentence
    """ValueError says why, unless it is good."""
    if not good:
        raise ValueError(why)


class Event(NamedTuple):
    """One event: where it stands, its leaf's hash, what of it can be read, and the names of what is left out."""

    position: int
    stream: str
    version: int
    topic: str
    leaf: bytes
    known: dict[str, Any]
    left_out: list[str]

    @property
    def place(self) -> dict[str, Any]:
        """Which event it is, for a fault."""
        return {"position": self.position, "id": f"{self.stream}.{self.version}", "topic": self.topic}


class Key(NamedTuple):
    """A public key: its owner's name, what it signs, and its bytes."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature names it."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"


def key_of(text: str) -> Key:
    """A public key from its text. ValueError when it is none."""
    name, told, raw = [*text.strip().split("+", 2), "", ""][:3]
    data = unbase64(raw)
    key = Key(name, data[0] if data else 0, data[1:])
    good = bool(name) and " " not in name and key.kind in (LOG, WITNESS) and len(key.public) == KEY_BYTES
    demand(good and key.id.hex() == told, f"{text.strip()[:100]!r} is no Ed25519 key NAME+HASH+KEY")
    return key


def unbase64(text: str) -> bytes:
    """The bytes of a base64 text in its one proper spelling."""
    data = base64.b64decode(text, validate=True)
    demand(base64.b64encode(data).decode() == text, "base64 that is not written as it should be")
    return data


# Ed25519 as RFC 8032, section 5.1, has it. Points are (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.

Point = tuple[int, int, int, int]
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def added(a: Point, b: Point) -> Point:
    """The sum of two points."""
    left, right = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    third, fourth = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = right - left, fourth - third, fourth + third, right + left
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar: int, point: Point) -> Point:
    """A point added to itself so many times."""
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = added(total, point)
        point, scalar = added(point, point), scalar >> 1
    return total


def point_of(data: bytes) -> Point:
    """A point from its 32 bytes. ValueError when none on the curve is written so."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    demand(y < P and (x * x - square) % P == 0 and not (x == 0 and sign), "no point on the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether it is an Ed25519 signature of the message by this public key."""
    if len(public) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    scalar = int.from_bytes(signature[KEY_BYTES:], "little")
    try:
        key, point = point_of(public), point_of(signature[:KEY_BYTES])
    except ValueError:
        return False
    challenge = int.from_bytes(sha512(signature[:KEY_BYTES] + public + message).digest(), "little") % ORDER
    left, right = times(scalar, BASE), added(point, times(challenge, key))
    same = (left[0] * right[2] - right[0] * left[2]) % P == 0 == (left[1] * right[2] - right[1] * left[2]) % P
    return scalar < ORDER and same


# JSON, read strictly: each key once, no NaN, and numbers kept as they are written.


class Number(str):
    """A number as it is written."""

    __slots__ = ()


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of these pairs. ValueError when a key stands twice."""
    found = dict(pairs)
    demand(len(found) == len(pairs), "a key stands twice in one object")
    return found


def refuse(text: str) -> None:
    """NaN and its like are none."""
    demand(False, f"{text} is no JSON")  # noqa: FBT003


def parsed(data: bytes | str) -> Any:
    """The value of a JSON text. ValueError when it is none, or could be read in two ways."""
    text = data if isinstance(data, str) else data.decode()
    try:
        return json.loads(
            text, object_pairs_hook=once, parse_int=Number, parse_float=Number, parse_constant=refuse
        )
    except RecursionError:
        raise ValueError(TOO_DEEP) from None


def written(value: Any, depth: int = 0) -> str:
    """A value as the digests have it: without spaces, and with sorted keys."""
    demand(depth <= MOST_DEPTH, TOO_DEEP)
    if type(value) is Number:
        return value
    if isinstance(value, dict):
        pairs = (f"{written(key)}:{written(value[key], depth + 1)}" for key in sorted(value))
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(one, depth + 1) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def shaped(value: Any, /, **shape: type) -> dict[str, Any]:
    """An object with exactly these keys, each of its type. ValueError says what is amiss."""
    demand(
        type(value) is dict and sorted(value) == sorted(shape),
        f"it should have exactly {', '.join(sorted(shape))}",
    )
    for name, kind in shape.items():
        given = value[name]
        if kind is int:
            demand(
                type(given) is Number and bool(re.fullmatch(r"0|[1-9][0-9]{0,18}", given)),
                f"{name} is no number",
            )
            value[name] = int(given)
            demand(value[name] <= NUMBER_MOST, f"{name} is too large")
        else:
            demand(type(given) is kind, f"{name} is no {kind.__name__}")
    found: dict[str, Any] = value
    return found


def unhex(text: Any, size: int = 32) -> bytes:
    """The bytes that are written in hex, in small letters."""
    demand(
        type(text) is str and bool(re.fullmatch(f"[0-9a-f]{{{2 * size}}}", text)),
        f"{str(text)[:70]!r} is no digest",
    )
    return bytes.fromhex(text)


class Pack:
    """An archive, and what was found in it."""

    def __init__(self, path: Any) -> None:
        self.faults: list[dict[str, Any]] = []
        self.more_faults = 0
        self.told: dict[str, Any] = {}
        self.found: dict[str, Any] = {}
        self.files: dict[str, zipfile.ZipInfo] = {}
        self._digests: dict[str, str] = {}
        try:
            self.zip = zipfile.ZipFile(path)
        except BROKEN as error:
            raise Unreadable("not-zip", why=str(error)) from error
        infos = self.zip.infolist()
        if min((info.header_offset for info in infos), default=0) != 0:
            raise Unreadable("not-zip", why="something stands before it")
        total = sum(info.file_size for info in infos)
        if len(infos) > MOST_FILES or total > MOST_BYTES:
            raise Unreadable("too-large", why=f"{len(infos)} files, {total} bytes")
        for info in infos:
            self._take(info)

    def _take(self, info: zipfile.ZipInfo) -> None:
        """One file of the archive: refused, a fault, or one to verify."""
        name = info.orig_filename
        if info.file_size > SMALL and info.file_size > MOST_RATIO * info.compress_size:
            raise Unreadable("too-large", why=f"{name!r} is packed more than {MOST_RATIO} times")
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable("encrypted", file=repr(name))
        if {"", ".", ".."} & set(name.split("/")) or re.search(r"[\\\x00-\x1f\x7f]", name):
            self.fault("file-name", file=repr(name))
        elif name in self.files:
            self.fault("file-twice", file=name)
        else:
            self.files[name] = info

    def fault(self, code: str, **more: Any) -> None:
        """Note something that is wrong."""
        if len(self.faults) < MOST_TOLD:
            self.faults.append({"code": code, **more, "text": FAULTS[code].format(**more)})
        else:
            self.more_faults += 1

    def malformed(self, name: str, error: BaseException) -> None:
        """Note that a file is not as the format says."""
        self.fault("file-malformed", file=name, why=str(error)[:200])

    def lines(self, name: str) -> Iterator[bytes]:
        """A file line by line. ValueError when one is too long, or the last one has no end."""
        with self.zip.open(self.files[name]) as file:
            while line := file.readline(MOST_LINE + 1):
                demand(
                    len(line) <= MOST_LINE and line[-1:] == b"\n",
                    "a line is too long, or the last one has no end",
                )
                yield line[:-1]

    def read(self, name: str) -> bytes:
        """A file at once. ValueError when it is not there, or too large."""
        demand(name in self.files, "it is not there")
        demand(self.files[name].file_size <= MOST_JSON, "it is too large")
        data = self.zip.read(self.files[name])
        demand(len(data) == self.files[name].file_size, SHORTER)
        return data

    def digest(self, name: str) -> str:
        """The SHA-256 of a file; empty, and a fault, when it can't be unpacked."""
        if name not in self._digests:
            digest, size = sha256(), 0
            try:
                with self.zip.open(self.files[name]) as file:
                    while chunk := file.read(MIB):
                        digest.update(chunk)
                        size += len(chunk)
                demand(size == self.files[name].file_size, SHORTER)
                self._digests[name] = digest.hexdigest()
            except BROKEN as error:
                self.fault("file-broken", file=name, why=str(error) or type(error).__name__)
                self._digests[name] = ""
        return self._digests[name]


def read_list(pack: Pack) -> None:
    """What pack.json says. Unreadable when it is not as it should be."""
    try:
        told = parsed(pack.read("pack.json"))
        demand(type(told) is dict, "it is no object")
    except BROKEN as error:
        raise Unreadable("no-pack", why=str(error)) from error
    if told.get("format") != "grantflow-pack/1":
        raise Unreadable("format", why=repr(told.get("format"))[:80])
    try:
        kinds = {"format": str, "scope": dict, "made_at": str, "origin": str, "left_out": list, "files": dict}
        shaped(told, size=int, events=int, **kinds)
        shaped(told["scope"], **({"call": str} if "call" in told["scope"] else {"case": str, "number": str}))
        demand(bool(MADE_AT.fullmatch(told["made_at"])), "made_at is no instant")
        demand(
            all(type(name) is str for name in told["left_out"]), "left_out holds something else than names"
        )
        for digest in told["files"].values():
            unhex(digest)
    except ValueError as error:
        raise Unreadable("no-pack", why=str(error)) from error
    pack.told = told


def check_files(pack: Pack) -> None:
    """Whether pack.json lists exactly the files that are there, with their digests."""
    listed = pack.told["files"]
    for name in sorted({*CORE, *listed} - {*pack.files}):
        pack.fault("file-missing", file=name)
    for name in {*pack.files} - {"pack.json"}:
        digest = pack.digest(name)
        if name not in listed:
            pack.fault("file-unlisted", file=name)
        elif digest not in ("", listed[name]):
            pack.fault("file-changed", file=name)
        if name.startswith("documents/") and digest not in ("", name[10:]):
            pack.fault("document-changed", file=name)
    pack.found["files"] = len(pack.files)


class Note(NamedTuple):
    """A checkpoint: the text that is signed, what it says, and signatures as (name, bytes)."""

    text: str
    origin: str
    size: int
    root: bytes
    signatures: list[tuple[str, bytes]]


def note_of(data: bytes) -> Note:
    """A checkpoint from its file. ValueError says why it is none."""
    text, _, tail = data.decode().rpartition("\n\n")
    text, rows = text + "\n", tail.split("\n")
    origin, size, root = [*text.split("\n"), "", "", ""][:3]
    demand(rows.pop() == "" and 0 < len(rows) <= MOST_SIGNATURES, "no signatures follow an empty line")
    demand(
        bool(origin and re.fullmatch(r"0|[1-9][0-9]{0,18}", size)), "its first lines are no origin and size"
    )
    demand(len(unbase64(root)) == KEY_BYTES, "its third line is no root")
    signatures = []
    for row in rows:
        dash, name, raw = row.split(" ")
        signatures.append((name, unbase64(raw)))
        demand(
            dash == "\u2014" and bool(name) and len(signatures[-1][1]) > ID_BYTES,
            f"{row[:60]!r} is no signature",
        )
    return Note(text, origin, int(size), unbase64(root), signatures)


def check_checkpoint(pack: Pack, trusted: list[Key]) -> Note | None:
    """The checkpoint, once it is seen who signed it, and that it is the one that pack.json speaks of."""
    own: list[Key] = []
    try:
        own = [key_of(row) for row in re.sub(r"\n\Z", "", pack.read("keys.txt").decode()).split("\n")]
    except BROKEN as error:
        pack.malformed("keys.txt", error)
    try:
        note = note_of(pack.read("checkpoint.txt"))
    except BROKEN as error:
        pack.malformed("checkpoint.txt", error)
        return None
    signers = [judged(pack, note, name, raw, [*trusted, *own]) for name, raw in note.signatures]
    if not any(key in signers for key in trusted or own if key.kind == LOG):
        names = ", ".join(f"{name} ({raw[:ID_BYTES].hex()})" for name, raw in note.signatures)
        pack.fault("unsigned", file="checkpoint.txt", why=names)
    for name in ("origin", "size"):
        if getattr(note, name) != pack.told[name]:
            pack.fault(name, file="pack.json", told=pack.told[name], found=getattr(note, name))
    root = base64.b64encode(note.root).decode()
    pack.found.update(origin=note.origin, size=note.size, root=root, vouched="given" if trusted else "own")
    return note


def judged(pack: Pack, note: Note, name: str, raw: bytes, keys: list[Key]) -> Key | None:
    """The key that a signature is by, if it is one that is known and the signature is right."""
    key = next((key for key in keys if key.name == name and key.id == raw[:ID_BYTES]), None)
    time, signature, text = None, raw[ID_BYTES:], note.text
    if key.kind == WITNESS if key else len(raw) == COSIGNATURE_BYTES:
        time, signature = int.from_bytes(raw[4:12], "big"), raw[12:]
        text = f"cosignature/v1\ntime {time}\n{text}"
    good = signed(key.public, text.encode(), signature) if key else None
    told = {"name": name, "key": str(key) if key else None, "time": time, "good": good}
    pack.found.setdefault("signatures", []).append(told)
    if key and not good:
        pack.fault("signature", file="checkpoint.txt", why=name)
    return key if good else None


def field_digest(salt: bytes, name: str, value: str) -> bytes:
    """The digest of one field of an event, by the field's own salt."""
    return sha256(salt + name.encode() + b"\0" + value.encode()).digest()


def event_of(line: bytes, pack: Pack) -> Event:
    """One line of events.jsonl. ValueError says why it is none; what is wrong inside it is a fault."""
    value = parsed(line)
    demand(type(value) is dict, "it is no object")
    whole = "body" in value
    kinds: dict[str, type] = (
        {"salt": str, "body": str, "fields": str} if whole else {"body_digest": str, "fields": list}
    )
    shaped(value, position=int, version=int, stream=str, topic=str, **kinds)
    position, stream, version, topic = (value[name] for name in ("position", "stream", "version", "topic"))
    demand(
        position > 0 < version and bool(UUID.fullmatch(stream)) and bool(topic),
        "position, stream, version or topic",
    )
    event = Event(position, stream, version, topic, b"", {}, [])
    body, fields = whole_event(event, value, pack) if whole else partial_event(event, value)
    place = struct.pack(">Q", position) + bytes.fromhex(stream.replace("-", "")) + struct.pack(">Q", version)
    leaf = b"\0grantflow-event/v1\0" + place + body + fields + topic.encode()
    return event._replace(leaf=sha256(leaf).digest())


def whole_event(event: Event, value: dict[str, Any], pack: Pack) -> tuple[bytes, bytes]:
    """The digests of the body and over the fields of an event that is there in full."""
    salt, fields = unhex(value["salt"], SALT_BYTES), unhex(value["fields"])
    body = sha256(salt + value["body"].encode()).digest()
    try:
        content = parsed(value["body"])
        demand(type(content) is dict, "it is no object")
        stamp = content.pop("stamp", {})
        demand(type(stamp) is dict, "its stamp is no object")
        known = once([*content.items(), *((f"stamp.{name}", stamp[name]) for name in stamp)])
        digests = [
            field_digest(sha256(salt + name.encode()).digest()[:SALT_BYTES], name, written(known[name]))
            for name in sorted(known)
        ]
    except ValueError as error:
        pack.fault("body", **event.place, why=str(error))
        return body, fields
    event.known.update(known)
    if sha256(b"".join(digests)).digest() != fields:
        pack.fault("fields", **event.place)
    return body, fields


def partial_event(event: Event, value: dict[str, Any]) -> tuple[bytes, bytes]:
    """The digests of the body and over the fields of an event with some fields left out."""
    digests: list[bytes] = []
    names: list[str] = []
    for field in value["fields"]:
        if type(field) is dict and "digest" in field:
            shaped(field, name=str, digest=str)
            digests.append(unhex(field["digest"]))
            event.left_out.append(field["name"])
        else:
            shaped(field, name=str, salt=str, value=str)
            digests.append(field_digest(unhex(field["salt"], SALT_BYTES), field["name"], field["value"]))
            event.known[field["name"]] = parsed(field["value"])
        names.append(field["name"])
    demand(names == sorted(set(names)), "its fields are not in the order of their names")
    return unhex(value["body_digest"]), sha256(b"".join(digests)).digest()


def plain(name: str) -> bool:
    """Whether a definition's file can have its own name in the pack."""
    return not {"", ".", ".."} & set(name.split("/")) and "\\" not in name and name.isprintable()


def digest_in(path: str) -> str:
    """The second part of a path."""
    return [*path.split("/"), ""][1]


class Named:
    """What the events name: documents and files of definitions, to be compared with those in the pack."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.documents: set[str] = set()
        self.published: dict[str, str] = {}
        self.mentioned: dict[str, Event] = {}
        self.calls: set[str] = set()

    def see(self, event: Event) -> None:
        """Note what an event names."""
        kind, known = event.topic.partition("@")[0], event.known
        publishes = kind in ("call-published", "call-revised")
        if kind == "document-attached" and "attachment" in known:
            attachment = known["attachment"]
            digest = attachment.get("digest") if type(attachment) is dict else None
            self.documents.add(f"documents/{digest}")
            if f"documents/{digest}" not in self.pack.files:
                self.pack.fault("document-missing", **event.place, why=str(digest)[:80])
        if publishes:
            self._publish(event)
        if kind in ("application-started", "case-moved-to-revision") and type(known.get("definition")) is str:
            self.mentioned.setdefault(known["definition"], event)
        if (publishes or kind == "application-started") and type(known.get("call")) is str:
            self.calls.add(known["call"])

    def _publish(self, event: Event) -> None:
        """Note the files of a definition that an event publishes."""
        files = event.known.get("files")
        texts = files if type(files) is dict else {}
        digest = event.known.get("digest")
        if digest is None and texts:
            digest = sha256(written(texts).encode()).hexdigest()
        if type(digest) is not str:
            return
        self.mentioned.setdefault(digest, event)
        for name, text in texts.items():
            if type(text) is str:
                path = f"definitions/{digest}/{name}"
                self.published[path] = sha256(text.encode()).hexdigest()
                if path not in self.pack.files and plain(name):
                    self.pack.fault("definition-missing", **event.place, why=path)

    def compare(self) -> None:
        """Every document and definition in the pack with the events, and the other way round."""
        pack = self.pack
        found: dict[str, list[str]] = {}
        for name in pack.files:
            if name.startswith("documents/") and name not in self.documents:
                pack.fault("document-unnamed", file=name)
            if name.startswith("definitions/"):
                found.setdefault(digest_in(name), []).append(name)
        published = {digest_in(path) for path in self.published}
        for digest, event in self.mentioned.items():
            if digest not in found and digest not in published:
                pack.fault("definition-missing", **event.place, why=f"definitions/{digest}")
        for digest, names in found.items():
            if digest in published:
                self._compare_files(names)
            else:
                self._compare_digest(digest, names)
        pack.found.update(documents=len(self.documents), definitions=len(found))

    def _compare_files(self, names: list[str]) -> None:
        """The files of a definition, when the event that published it is here."""
        for name in names:
            if name not in self.published:
                self.pack.fault("definition-unnamed", file=name)
            elif self.pack.digest(name) != self.published[name]:
                self.pack.fault("definition-changed", file=name)

    def _compare_digest(self, digest: str, names: list[str]) -> None:
        """The files of a definition, when nothing but its digest is named here."""
        start = f"definitions/{digest}/"
        try:
            texts = {name[len(start) :]: self.pack.read(name).decode() for name in names}
            good = sha256(written(texts).encode()).hexdigest() == digest
        except BROKEN:
            good = False
        if digest not in self.mentioned:
            self.pack.fault("definition-unnamed", file=start)
        elif not good:
            self.pack.fault("definition-changed", file=start)


class Order:
    """Whether events come in the order of the log, and each stream's one by one."""

    def __init__(self, pack: Pack, size: int | None) -> None:
        self.pack, self.size, self.last, self.partial = pack, size, 0, 0
        self.versions: dict[str, int] = {}
        self.left_out = set(pack.told["left_out"])

    def see(self, event: Event) -> None:
        """Hold an event against those before it."""
        if event.position <= self.last:
            self.pack.fault("position", **event.place, why=self.last)
        elif self.size is not None and event.position > self.size:
            self.pack.fault("beyond", **event.place, why=self.size)
        before = self.versions.get(event.stream, 0)
        own = self.pack.told["scope"].get("case", event.stream) == event.stream
        if event.version <= before or (own and event.version != before + 1):
            self.pack.fault("version", **event.place, why=before + 1)
        self.versions[event.stream], self.last = event.version, max(self.last, event.position)
        self.partial += bool(event.left_out)
        for name in event.left_out:
            if name not in self.left_out:
                self.pack.fault("left-out", **event.place, why=name)


def check_events(pack: Pack, size: int | None) -> list[Part]:
    """Every event in its order; what comes back are the leaves."""
    leaves: list[Part] = []
    named, order, count = Named(pack), Order(pack, size), 0
    try:
        for count, line in enumerate(
            pack.lines("events.jsonl") if "events.jsonl" in pack.files else (), start=1
        ):
            try:
                event = event_of(line, pack)
            except (ValueError, struct.error) as error:
                pack.fault("line", file="events.jsonl", line=count, why=str(error)[:200])
                continue
            order.see(event)
            named.see(event)
            leaves.append(Part(event.position - 1, 0, event.leaf, holds=True))
    except BROKEN as error:
        pack.malformed("events.jsonl", error)
    if count != pack.told["events"]:
        pack.fault("event-count", file="pack.json", told=pack.told["events"], found=count)
    scope = pack.told["scope"]
    if "case" in scope and scope["case"] not in order.versions:
        pack.fault("scope", file="pack.json", why=f"none is of the case {scope['case'][:60]}")
    unnamed = not named.calls and "call" not in order.left_out
    if "call" in scope and (unnamed or named.calls - {scope["call"]}):
        pack.fault(
            "scope", file="pack.json", why=f"they name the calls {', '.join(sorted(named.calls))[:200]}"
        )
    named.compare()
    pack.found.update(events=count, partial=order.partial, streams=len(order.versions))
    return leaves


class Part(NamedTuple):
    """A subtree: the index of its first leaf, its level, its hash, and whether it holds an event of the pack."""

    start: int
    level: int
    hash: bytes
    holds: bool


def read_tree(pack: Pack, size: int) -> list[Part] | None:
    """The nodes of tree.json; nothing when it can't be used."""
    parts = []
    try:
        tree = shaped(parsed(pack.read("tree.json")), size=int, nodes=list)
        for node in tree["nodes"]:
            demand(type(node) is list, NO_NODE)
            place = shaped(dict(zip(("level", "index", "hash"), node)), level=int, index=int, hash=str)  # noqa: B905
            demand(len(node) == len(place) and place["level"] < MOST_LEVELS, NO_NODE)
            parts.append(
                Part(place["index"] << place["level"], place["level"], unhex(place["hash"]), holds=False)
            )
    except BROKEN as error:
        pack.malformed("tree.json", error)
        return None
    if tree["size"] != size:
        pack.fault("size", file="tree.json", told=tree["size"], found=size)
    return parts


def check_tree(pack: Pack, note: Note, leaves: list[Part]) -> None:
    """Whether the events and the nodes of tree.json make exactly the tree that the checkpoint is of."""
    nodes = read_tree(pack, note.size)
    if nodes is None:
        return None
    offset = 0
    stack: list[Part] = []  # the whole subtrees so far, the largest first, as a binary counter has its digits
    for part in [*sorted([*leaves, *nodes]), Part(note.size, 0, b"", holds=False)]:
        if part.hash and part.start + (1 << part.level) > note.size:
            return pack.fault("beyond", file="tree.json", why=note.size)
        if part.start > offset:
            first, last = offset + 1, part.start
            return pack.fault(
                "tree-gap", file="tree.json", why=f"{first}\u2013{last}" if first < last else last
            )
        if part.start < offset:
            return pack.fault("tree-overlap", file="tree.json", why=part.start + 1)
        if part.hash:
            offset += 1 << part.level
            stack.append(joined(pack, stack, part))
    found = stack.pop().hash if stack else sha256(b"").digest()
    while stack:
        found = sha256(b"\1" + stack.pop().hash + found).digest()
    if found != note.root:
        pack.fault(
            "root", file="checkpoint.txt", told=pack.found["root"], found=base64.b64encode(found).decode()
        )
    return None


def joined(pack: Pack, stack: list[Part], part: Part) -> Part:
    """A subtree together with those to the left of it that it makes whole."""
    while stack and stack[-1].level == part.level:
        left = stack.pop()
        if not (left.holds or part.holds):
            pack.fault("tree-extra", file="tree.json", why=part.start + 1)
        hashed = sha256(b"\1" + left.hash + part.hash).digest()
        part = Part(left.start, part.level + 1, hashed, left.holds or part.holds)
    return part


def verify(path: Any, trusted: list[Key]) -> Pack:
    """All that can be checked of a pack. Unreadable when it can't be read at all."""
    pack = Pack(path)
    read_list(pack)
    check_files(pack)
    note = check_checkpoint(pack, trusted)
    leaves = check_events(pack, note.size if note else None)
    if note:
        check_tree(pack, note, leaves)
    return pack


def report(pack: Pack, most: int) -> str:
    """The report for people."""
    told, found = pack.told, pack.found
    scope = "call {call}" if "call" in told["scope"] else "case {number} ({case})"
    out = [
        f"Evidence pack of the {scope.format(**told['scope'])}, made {told['made_at']} (so it says itself)",
        "",
    ]
    if "origin" in found:
        out += [f"Log        {found['origin']}, {found['size']} events, root {found['root']}"]
        out += [f"Signature  {signature_row(one)}" for one in found["signatures"]]
    out += [
        f"Events     {found['events']} of {found.get('size', '?')}, {found['partial']} with fields left out",
        f"Streams    {found['streams']}",
        f"Files      {found['files']}, of them {found['documents']} documents; {found['definitions']} definitions",
        "",
    ]
    if found.get("vouched") == "own":
        out += [
            "The key is the pack's own, and no pack can vouch for its key: compare this key with one you got elsewhere,"
        ]
        out += ["or run this again with --key NAME+HASH+KEY.", ""]
    count = len(pack.faults) + pack.more_faults
    if count:
        out += [f"NOT HONEST: {count} fault{'s' if count > 1 else ''}"]
        for one in pack.faults[:most]:
            where = (
                f"event {one['position']}, {one['id']}, {one['topic']}" if "position" in one else one["file"]
            )
            out += [f"  {where}: {one['text']}"]
        out += [f"  \u2026 and {count - most} more"] if count > most else []
    else:
        own = " BY ITS OWN KEY" if found.get("vouched") == "own" else ""
        out += [
            f"HONEST{own}: every event is in the signed log as it stands here; documents and definitions are the"
        ]
        out += [
            "events' own. Answers, report and verifiers are only compared with pack.json, which nobody signs."
        ]
        if found["events"] < found.get("size", 0):
            out += [
                "The pack is a part of the log: that the last events of a case are here, too, it can't show."
            ]
    return "".join(f"{shown(row)}\n" for row in out)


def signature_row(one: dict[str, Any]) -> str:
    """One signature of the checkpoint, for people."""
    good = {True: "right", False: "WRONG", None: "unknown key"}[one["good"]]
    return f"{good}: {one['key'] or one['name']}" + (
        "" if one["time"] is None else f", a witness at {instant(one['time'])}"
    )


def instant(seconds: int) -> str:
    """A time as witnesses write it."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: UP017 - for Python 3.9
    except (OverflowError, OSError, ValueError):
        return f"{seconds} s after 1970"


def shown(text: str) -> str:
    """A text of the pack's without what could steer a terminal, or pass for another line of the report."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def main(arguments: list[str] | None = None) -> int:
    """Verify the pack that the arguments name, and say what was found."""
    parser = argparse.ArgumentParser(
        prog="verify.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("pack", help="the evidence pack, a ZIP file")
    parser.add_argument(
        "--key", action="append", default=[], help="a key you trust: NAME+HASH+KEY", metavar="KEY"
    )
    parser.add_argument(
        "--keys", action="append", default=[], help="a file with such keys, a line each", metavar="FILE"
    )
    parser.add_argument("--most", type=int, default=20, help="how many faults to tell (20)", metavar="N")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    given = parser.parse_args(arguments)
    try:
        rows = [row for name in given.keys for row in Path(name).read_text(encoding="utf-8").splitlines()]
        trusted = [key_of(text) for text in [*given.key, *filter(str.strip, rows)]]
    except (OSError, ValueError) as error:
        parser.error(str(error))
    try:
        pack = verify(given.pack, trusted)
    except Unreadable as error:
        text = UNREADABLE[error.code].format(**error.more)
        answer: dict[str, Any] = {"verdict": "unreadable", "code": error.code, "text": text}
        said, status = shown(f"The pack can't be read. {text}.") + "\n", 2
    else:
        verdict, status = ("fault", 3) if pack.faults else ("honest", 0)
        answer = {
            "verdict": verdict,
            "faults": pack.faults,
            "more_faults": pack.more_faults,
            "found": pack.found,
        }
        said = report(pack, max(given.most, 1))
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.stdout.write(json.dumps(answer, indent=1) + "\n" if given.json else said)
    return status


if __name__ == "__main__":
    sys.exit(main())
