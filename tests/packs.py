"""Small evidence packs, made byte by byte as docs/evidence-format.md says, and the tools to spoil them with."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID, uuid5

import msgspec

from grantflow.domain.digest import canonical, digest_of
from grantflow.ledger.leaf import Leaf, Place, field_digest, field_salt, fields_of, sealed
from grantflow.ledger.merkle import node_hash, subtree
from grantflow.ledger.note import COSIGNATURE, Checkpoint, Signer, Verifier, signature_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Files = dict[str, bytes]

ORIGIN = "grantflow.example/log"
OWNER = Signer(ORIGIN, sha256(b"the log's").digest())
THIEF = Signer(ORIGIN, sha256(b"somebody else's").digest())
WITNESS = Signer("witness.example", sha256(b"the witness's").digest())
KEY = str(OWNER.verifier)
CALL = "bygg-2023"
DOCUMENT = b"%PDF-1.7 a plan \x00\xff"
PROCESS = """id = "tilskudd"

[[states]]
id = "submitted"
name = { nb = "Innsendt", nn = "Innsend", en = "Submitted" }

[[steps]]
id = "submit"
name = { nb = "Send inn", nn = "Send inn", en = "Submit" }
"""
DEFINITION = {"call.toml": 'id = "bygg-2023"\n', "process.toml": PROCESS, "forms/plan.schema.json": "{}\n"}
DIGEST = digest_of(DEFINITION)
ROOT = UUID("6f0a7d52-3c1e-5b7a-9a52-0c6f5d1f8e23")


class Sealed(NamedTuple):
    """An event with its leaf."""

    leaf: Leaf
    content: bytes

    @property
    def position(self) -> int:
        return self.leaf.place.position


class Log:
    """A log that grows in memory, with the ledger beside it."""

    def __init__(self) -> None:
        self.events: list[Sealed] = []
        self.versions: dict[UUID, int] = {}

    def add(self, stream: str, topic: str, body: dict[str, Any], **stamp: str) -> None:
        """Store one event of a stream by its name, and seal it."""
        which, position = uuid5(ROOT, stream), len(self.events) + 1
        version = self.versions[which] = self.versions.get(which, 0) + 1
        day, minute = divmod(position, 1000)
        stamped = {
            "recorded_at": f"2023-08-{14 + day % 15:02}T{8 + minute // 60 % 12:02}:{minute % 60:02}:00Z",
            "step": topic.partition("@")[0],
            "person": f"p{position % 7}",
            "organisation": "958935420",
            "role": "applicant",
            "channel": "cli",
            "command": f"c{position}",
            "state": "draft",
        }
        content = msgspec.json.encode({"stamp": stamped | stamp} | body)
        place = Place(position, which.bytes, version, topic)
        salt = sha256(b"salt %d" % position).digest()[:16]
        self.events.append(Sealed(sealed(place, content, content, salt), content))

    def node(self, level: int, index: int) -> bytes:
        """The hash of a whole subtree."""
        if level == 0:
            return self.events[index].leaf.hash
        return node_hash(self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1))

    def checkpoint(self) -> Checkpoint:
        """The log as it is."""
        size = len(self.events)
        return Checkpoint(ORIGIN, size, subtree(self.node, 0, size))


@cache
def log(cases: int = 4, edits: int = 3) -> Log:
    """A call, some cases that go their way by turns, and a few events that are none of theirs."""
    made = Log()
    made.add("other", "frame-opened@2", {"call": "elsewhere", "limit_ore": 1})
    published = {"call": CALL, "digest": DIGEST, "names": {"nb": "Bygg"}, "year": 2023, "files": DEFINITION}
    made.add("call", "call-published@1", published, state="published", role="directorate")
    for case in range(cases):
        applicant = {"number": "958935420", "name": f"Álaheadju «{case}» suohkan", "municipality": "5601"}
        body = {"call": CALL, "definition": DIGEST, "applicant": applicant, "deadlines": []}
        made.add(f"case {case}", "application-started@2", body)
        made.add("other", "frame-adjusted@2", {"limit_ore": case})
    for edit in range(edits):
        for case in range(cases):
            content = {
                "sum": 1.50,
                "about": f"{edit}: a\u2028b \u0001 😀",
                "list": [1e16, -0.0, None, True],
                "😀": 1,
                "\uffff": 2,
            }
            made.add(f"case {case}", "section-edited@1", {"section": "plan", "content": content})
    attachment = {
        "digest": sha256(DOCUMENT).hexdigest(),
        "filename": "plan.pdf",
        "media_type": "application/pdf",
    }
    made.add("case 0", "document-attached@1", {"attachment": attachment})
    for case in range(cases):
        made.add("other", "frame-adjusted@2", {"limit_ore": case})
        made.add(f"case {case}", "account-registered@1", {"account": "12345678903"})
        made.add(f"case {case}", "application-submitted@1", {"content": "…"}, state="submitted")
    made.add("other", "frame-adjusted@2", {"limit_ore": 2})
    return made


def whole_line(event: Sealed) -> dict[str, Any]:
    """An event that is in the pack in full."""
    place, salt, _, fields, _ = event.leaf
    digests = {"salt": salt.hex(), "body": event.content.decode(), "fields": fields.hex()}
    return placed(place) | digests


def partial_line(event: Sealed, left_out: Iterable[str]) -> dict[str, Any]:
    """An event with some of its fields left out."""
    place, salt, body, _, _ = event.leaf
    fields: list[dict[str, str]] = []
    for field in fields_of(event.content):
        own = field_salt(salt, field.name)
        if field.name in left_out:
            fields.append({"name": field.name, "digest": field_digest(own, field).hex()})
        else:
            fields.append({"name": field.name, "salt": own.hex(), "value": field.value.decode()})
    return placed(place) | {"body_digest": body.hex(), "fields": fields}


def placed(place: Place) -> dict[str, Any]:
    """Where an event stands, as a line says it."""
    position, stream, version, topic = place
    return {"position": position, "stream": str(UUID(bytes=stream)), "version": version, "topic": topic}


def nodes_without(of: Log, positions: set[int], start: int, end: int) -> Iterator[list[Any]]:
    """The fewest subtrees that hold none of the positions."""
    size = end - start
    whole = size & (size - 1) == 0
    if size == 0 or (size == 1 and end in positions):
        return
    if whole and not any(start < one <= end for one in positions):
        level = size.bit_length() - 1
        yield [level, start >> level, of.node(level, start >> level).hex()]
        return
    middle = start + (1 << (size - 1).bit_length() - 1)
    yield from nodes_without(of, positions, start, middle)
    yield from nodes_without(of, positions, middle, end)


def make(of: Log, streams: Sequence[str], scope: dict[str, str], left_out: Sequence[str] = ()) -> Files:
    """The pack of some streams."""
    wanted = {uuid5(ROOT, stream).bytes for stream in streams}
    events = [event for event in of.events if event.leaf.place.stream in wanted]
    lines = []
    for event in events:
        partial = {field.name for field in fields_of(event.content)} & set(left_out)
        lines.append(partial_line(event, left_out) if partial else whole_line(event))
    size, checkpoint = len(of.events), str(of.checkpoint())
    nodes = list(nodes_without(of, {event.position for event in events}, 0, size))
    files = {
        "checkpoint.txt": f"{checkpoint}\n{OWNER.sign(checkpoint)}{cosigned(checkpoint)}".encode(),
        "keys.txt": f"{KEY}\n".encode(),
        "events.jsonl": jsonl(lines),
        "tree.json": canonical({"size": size, "nodes": nodes}),
        "answers/01-who.csv": b"case;who\n1;p1\n",
        "answers/01-who.json": b'{"rows":[["1","p1"]]}',
        "README.txt": b"Verify me.\n",
        **{f"definitions/{DIGEST}/{name}": text.encode() for name, text in DEFINITION.items()},
    }
    if "case 0" in streams:
        files[f"documents/{sha256(DOCUMENT).hexdigest()}"] = DOCUMENT
    told = {"format": "grantflow-pack/1", "scope": scope, "made_at": "2024-01-31T12:00:00Z", "origin": ORIGIN}
    counted = {"size": size, "events": len(events), "left_out": list(left_out), "files": {}}
    files["pack.json"] = canonical(told | counted)
    return listed(files)


def whole(cases: int = 4, edits: int = 3) -> Files:
    """The pack of a call, with accounts left out."""
    streams = ["call", *(f"case {case}" for case in range(cases))]
    return make(log(cases, edits), streams, {"call": CALL}, ("account",))


def one_case() -> Files:
    """The pack of one case, with the event that published its definition."""
    scope = {"case": str(uuid5(ROOT, "case 0")), "number": f"{CALL}-0001"}
    return make(log(), ["call", "case 0"], scope, ("content", "stamp.person"))


def cosigned(checkpoint: str, by: Signer = WITNESS, at: int = 1_700_000_000) -> str:
    """The line that a witness adds."""
    signed = by.sign(f"cosignature/v1\ntime {at}\n{checkpoint}").split(" ")[2]
    verifier = witness_key(by)
    return signature_line(verifier, at.to_bytes(8, "big") + _signature(signed))


def witness_key(by: Signer = WITNESS) -> Verifier:
    """The key of a witness."""
    return Verifier(by.name, COSIGNATURE, by.verifier.public)


def _signature(text: str) -> bytes:
    import base64  # noqa: PLC0415 - here only

    return base64.b64decode(text)[4:]


def jsonl(lines: Iterable[dict[str, Any]]) -> bytes:
    """Events, one a line."""
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


def listed(files: Files) -> Files:
    """The files, with `pack.json` brought up to them: what somebody does who spoils a pack with care."""
    told = json.loads(files["pack.json"])
    told["files"] = {n: sha256(content).hexdigest() for n, content in files.items() if n != "pack.json"}
    return files | {"pack.json": canonical(told)}


def zipped(files: Files | Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The ZIP file."""
    out = io.BytesIO()
    pairs = files.items() if isinstance(files, dict) else files
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in pairs:
            archive.writestr(name, content)
    return out.getvalue()


def edited(name: str, change: Callable[[Any], Any]) -> Callable[[Files], Files]:
    """A tampering: some JSON file of the pack, changed."""

    def spoil(files: Files) -> Files:
        value = json.loads(files[name])
        return files | {name: json.dumps(change(value) or value, ensure_ascii=False).encode()}

    return spoil


def relined(change: Callable[[list[dict[str, Any]]], Any]) -> Callable[[Files], Files]:
    """A tampering: the events, changed as a list of lines."""

    def spoil(files: Files) -> Files:
        lines = [json.loads(line) for line in files["events.jsonl"].split(b"\n")[:-1]]
        return files | {"events.jsonl": jsonl(change(lines) or lines)}

    return spoil
