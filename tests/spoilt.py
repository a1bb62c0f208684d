"""The ways to spoil an evidence pack, and what a verifier calls each: the same list for both verifiers."""

# ruff: noqa: E501 - a table has a row a line

from __future__ import annotations

import base64
import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from packs import (
    DIGEST,
    DOCUMENT,
    KEY,
    OWNER,
    THIEF,
    edited,
    listed,
    log,
    one_case,
    placed,
    relined,
    whole,
    whole_line,
    zipped,
)

from grantflow.domain.digest import canonical
from grantflow.ledger.leaf import Place, sealed
from grantflow.ledger.note import signature_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from packs import Files

    Line = dict[str, Any]

NAMED = f"documents/{sha256(DOCUMENT).hexdigest()}"
DEFINED = f"definitions/{DIGEST}"
ELSEWHERE = "6f0a7d52-3c1e-5b7a-9a52-0c6f5d1f8e99"
ORDER = 2**252 + 27742317777372353535851937790883648493


class Spoilt(NamedTuple):
    """A way to spoil a pack: what it is called by whoever finds it, and whether `pack.json` is brought up to it."""

    what: str
    code: str
    spoil: Callable[[Files], Files]
    careful: bool = True
    of: Callable[[], Files] = whole
    keys: tuple[str, ...] = (KEY,)

    def pack(self) -> bytes:
        """The spoilt pack."""
        files = self.spoil(dict(self.of()))
        return zipped(listed(files) if self.careful else files)


def line(at: int, change: Callable[[Line], Any]) -> Callable[[Files], Files]:
    """Spoil one event's line."""
    return relined(lambda lines: change(lines[at]) and None)


def body(at: int, old: str, new: str, *, sums: bool = False) -> Callable[[Files], Files]:
    """Spoil an event's text, and perhaps put the digest over its fields right as well."""

    def change(one: Line) -> None:
        assert old in one["body"]
        one["body"] = one["body"].replace(old, new)
        if sums:
            salt, content = bytes.fromhex(one["salt"]), one["body"].encode()
            one["fields"] = sealed(Place(1, bytes(16), 1, ""), content, content, salt).fields.hex()

    return line(at, change)


def raw(name: str, change: Callable[[bytes], bytes]) -> Callable[[Files], Files]:
    """Spoil a file as bytes."""

    def spoil(files: Files) -> Files:
        spoilt = change(files[name])
        assert spoilt != files[name]
        return files | {name: spoilt}

    return spoil


def swap(name: str, old: bytes, new: bytes) -> Callable[[Files], Files]:
    return raw(name, lambda content: content.replace(old, new, 1))


def told(**values: Any) -> Callable[[Files], Files]:
    return edited("pack.json", lambda pack: pack | values)


def without(name: str) -> Callable[[Files], Files]:
    return lambda files: {one: content for one, content in files.items() if not one.startswith(name)}


def with_file(name: str, content: bytes) -> Callable[[Files], Files]:
    return lambda files: files | {name: content}


def cut(lines: list[Line], *at: int) -> list[Line]:
    return [one for number, one in enumerate(lines) if number - len(lines) not in at and number not in at]


def counted(spoil: Callable[[Files], Files]) -> Callable[[Files], Files]:
    """Spoil the events, and let `pack.json` say how many are left."""

    def spoilt(files: Files) -> Files:
        files = spoil(files)
        return told(events=files["events.jsonl"].count(b"\n"))(files)

    return spoilt


def swapped(lines: list[Line]) -> list[Line]:
    """Let two events say that each stands where the other does."""
    first, second = lines[-1], lines[-2]
    first["position"], second["position"] = second["position"], first["position"]
    return [*lines[:-2], first, second]


def stranger(lines: list[Line]) -> list[Line]:
    """Put in an event where there is a node for it."""
    return sorted([*lines, whole_line(log().events[0])], key=lambda one: one["position"])


def beyond(lines: list[Line]) -> list[Line]:
    return [*lines, lines[-1] | {"position": 37, "version": lines[-1]["version"] + 1}]


def field(at: int, **values: Any) -> Callable[[Files], Files]:
    """Spoil a field of the first event that has some left out."""
    return line(0, lambda one: one["fields"][at].update(values))


def guessed(one: Line) -> None:
    """Say what a field that is left out would be."""
    at = next(number for number, each in enumerate(one["fields"]) if "digest" in each)
    one["fields"][at] = {"name": one["fields"][at]["name"], "salt": "00" * 16, "value": '"p2"'}


def hidden(one: Line) -> None:
    """Leave out a field without telling."""
    event = log().events[one["position"] - 1]
    digest = {"body_digest": event.leaf.body.hex(), "fields": [{"name": "x", "digest": "00" * 32}]}
    one.clear()
    one.update(placed(event.leaf.place) | digest)


def resigned(by: Any, change: Callable[[str], str] = str) -> Callable[[Files], Files]:
    """Sign another checkpoint, and bring one's own key along."""

    def spoil(files: Files) -> Files:
        text = change(files["checkpoint.txt"].decode().partition("\n\n")[0] + "\n")
        note = f"{text}\n{by.sign(text)}".encode()
        return files | {"checkpoint.txt": note, "keys.txt": f"{by.verifier}\n".encode()}

    return spoil


def history(files: Files) -> Files:
    """Make the events say something else, and a checkpoint with one's own key that fits."""
    files = body(5, "1.5", "9.5", sums=True)(files)
    spoilt = [json.loads(one) for one in files["events.jsonl"].splitlines()]
    other = log.__wrapped__(4, 3)
    for one in spoilt:
        if "body" in one:
            event = other.events[one["position"] - 1]
            content, salt = one["body"].encode(), event.leaf.salt
            leaf = sealed(event.leaf.place, content, content, salt)
            other.events[one["position"] - 1] = event._replace(leaf=leaf, content=content)
    return resigned(THIEF, lambda _: str(other.checkpoint()))(files)


def uncanonical(note: bytes) -> bytes:
    """The same signature, its scalar written another way."""
    text, _, tail = note.decode().partition("\n\n")
    signature = base64.b64decode(tail.split()[2])
    scalar = int.from_bytes(signature[36:], "little") + ORDER
    return f"{text}\n\n{signature_line(OWNER.verifier, signature[4:36] + scalar.to_bytes(32, 'little'))}".encode()


def halves(files: Files) -> Files:
    """Give two nodes where one is enough."""
    tree = json.loads(files["tree.json"])
    level, index, _ = node = next(node for node in tree["nodes"] if node[0])
    tree["nodes"].remove(node)
    below = (2 * index, 2 * index + 1)
    tree["nodes"] += [[level - 1, one, log().node(level - 1, one).hex()] for one in below]
    return files | {"tree.json": canonical(tree)}


EVENTS = (
    Spoilt("an amount changed", "fields", body(5, "1.5", "2.5")),
    Spoilt("an amount and the digest over the fields", "root", body(5, "1.5", "2.5", sums=True)),
    Spoilt("a space put into the text", "root", body(5, '"section":', '"section": ')),
    Spoilt("who did it", "fields", body(5, '"person":"p4"', '"person":"p5"')),
    Spoilt("when it was recorded", "fields", body(5, "08:11", "08:10")),
    Spoilt("the state afterwards", "fields", body(-1, '"submitted"', '"granted"')),
    Spoilt("a salt", "fields", line(5, lambda one: one.update(salt="00" * 16))),
    Spoilt("a digest over fields", "fields", line(5, lambda one: one.update(fields="00" * 32))),
    Spoilt("a topic", "root", line(5, lambda one: one.update(topic="section-edited@2"))),
    Spoilt("a stream", "version", relined(lambda lines: lines[5].update(stream=lines[6]["stream"]))),
    Spoilt("a stream of its own", "root", line(5, lambda one: one.update(stream=ELSEWHERE))),
    Spoilt("a version", "version", line(5, lambda one: one.update(version=3))),
    Spoilt("a position", "tree-gap", line(-1, lambda one: one.update(position=36))),
    Spoilt("two events changed places", "position", relined(lambda lines: [lines[1], lines[0], *lines[2:]])),
    Spoilt("two events changed positions", "root", relined(swapped)),
    Spoilt("the first event gone", "tree-gap", counted(relined(lambda lines: cut(lines, 0)))),
    Spoilt("one in the middle gone", "version", counted(relined(lambda lines: cut(lines, 9)))),
    Spoilt("the last event gone", "tree-gap", counted(relined(lambda lines: cut(lines, -1)))),
    Spoilt("the last event gone, uncounted", "event-count", relined(lambda lines: cut(lines, -1))),
    Spoilt("every event gone", "tree-gap", counted(with_file("events.jsonl", b""))),
    Spoilt("an event twice", "position", counted(relined(lambda lines: [*lines[:6], *lines[5:]]))),
    Spoilt("an event where a node is", "tree-overlap", counted(relined(stranger))),
    Spoilt("an event after the end", "beyond", counted(relined(beyond))),
    Spoilt("another key in a line", "line", line(5, lambda one: one.update(more=1))),
    Spoilt("a line without its salt", "line", line(5, lambda one: one.pop("salt"))),
    Spoilt("a position that is text", "line", line(5, lambda one: one.update(position="11"))),
    Spoilt("a position that is true", "line", line(5, lambda one: one.update(position=True))),
    Spoilt("a position beyond measure", "line", line(5, lambda one: one.update(position=10**30))),
    Spoilt("a position below zero", "line", line(5, lambda one: one.update(position=-11))),
    Spoilt("a fraction for a version", "line", line(5, lambda one: one.update(version=2.0))),
    Spoilt("no body", "line", line(5, lambda one: one.update(body=None))),
    Spoilt("a digest in capitals", "line", line(5, lambda one: one.update(fields=one["fields"].upper()))),
    Spoilt("a stream in capitals", "line", line(5, lambda one: one.update(stream=one["stream"].upper()))),
    Spoilt("a list for a line", "line", swap("events.jsonl", b"\n", b"\n[1]\n")),
    Spoilt("an empty line", "line", swap("events.jsonl", b"\n", b"\n\n")),
    Spoilt("a line that is no JSON", "line", swap("events.jsonl", b"{", b"{,")),
    Spoilt("a key twice in a line", "line", swap("events.jsonl", b"{", b'{"topic":"x",')),
    Spoilt("a line that is no UTF-8", "line", swap("events.jsonl", b"call-published", b"call-\xff")),
    Spoilt("a line without end", "file-malformed", raw("events.jsonl", lambda content: content[:-1])),
    Spoilt("a line nested without end", "line", raw("events.jsonl", lambda old: b"[" * 200_000 + b"\n" + old)),
    Spoilt("half a surrogate", "line", swap("events.jsonl", b"call-published", b"call-\\ud800")),
    Spoilt("a key twice in an event", "body", body(5, '"section":', '"section":"a","section":')),
    Spoilt("an event that is a list", "body", line(5, lambda one: one.update(body="[]"))),
    Spoilt("an event that is no JSON", "body", line(5, lambda one: one.update(body="{"))),
    Spoilt("a stamp that is a number", "body", line(5, lambda one: one.update(body='{"stamp":1}'))),
    Spoilt("not a number", "body", body(5, "1.5", "NaN")),
    Spoilt("an event nested too deeply", "body", body(5, "1.5", "[" * 150 + "]" * 150)),
    Spoilt("half a surrogate in an event", "body", body(5, '"plan"', '"\\udc00"')),
    Spoilt("a field left out untold", "left-out", line(5, hidden)),
)  # fmt: skip

FIELDS = tuple(
    Spoilt(what, code, spoil, of=one_case)
    for what, code, spoil in (
        ("a field's value", "root", field(0, value='"elsewhere"')),
        ("a field's salt", "root", field(0, salt="00" * 16)),
        ("a field's name", "root", field(0, name="cal")),
        ("the digest of a field left out", "root", line(0, lambda one: next(f for f in one["fields"] if "digest" in f).update(digest="00" * 32))),
        ("a guess at a field left out", "root", line(0, guessed)),
        ("a field gone", "root", line(0, lambda one: one["fields"].pop(1))),
        ("no fields", "root", line(0, lambda one: one["fields"].clear())),
        ("fields in another order", "line", line(0, lambda one: one["fields"].reverse())),
        ("a field twice", "line", line(0, lambda one: one["fields"].insert(0, one["fields"][0]))),
        ("a field that is no JSON", "line", field(0, value="{")),
        ("a field of the wrong kind", "line", line(0, lambda one: one["fields"].append(None))),
        ("a body's digest", "root", line(0, lambda one: one.update(body_digest="00" * 32))),
        ("fields that are text", "line", line(0, lambda one: one.update(fields="00" * 32))),
        ("an event of the case gone", "version", counted(relined(lambda lines: cut(lines, 3)))),
        ("another case", "scope", told(scope={"case": ELSEWHERE, "number": "1"})),
    )
)  # fmt: skip
