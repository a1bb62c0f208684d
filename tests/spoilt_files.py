"""The ways to spoil the tree, the checkpoint, the files and the archive of an evidence pack."""

# ruff: noqa: E501 - a table has a row a line

from __future__ import annotations

import base64
import io
import string
import struct
import zipfile
from typing import TYPE_CHECKING

from packs import KEY, ORIGIN, OWNER, THIEF, edited, listed, one_case, whole, witness_key, zipped
from spoilt import (
    DEFINED,
    EVENTS,
    FIELDS,
    NAMED,
    Spoilt,
    body,
    halves,
    history,
    raw,
    resigned,
    swap,
    told,
    uncanonical,
    with_file,
    without,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from packs import Files

WITNESSED = (KEY, str(witness_key()))


def tree(change: Callable[[dict], object]) -> Callable[[Files], Files]:  # type: ignore[type-arg]
    return edited("tree.json", lambda value: change(value) and None)


def renoted(change: Callable[[str], str]) -> Callable[[Files], Files]:
    return raw("checkpoint.txt", lambda note: change(note.decode()).encode())


def resignatured(change: Callable[[str], str], which: int = 0) -> Callable[[Files], Files]:
    """Spoil the base64 of a signature."""

    def changed(note: str) -> str:
        raw = note.partition("\n\n")[2].splitlines()[which].split(" ")[2]
        return note.replace(raw, change(raw))

    return renoted(changed)


def bent(signature: str) -> str:
    """Another signature by the same key."""
    data = bytearray(base64.b64decode(signature))
    data[-40] ^= 1
    return base64.b64encode(data).decode()


def respelled(signature: str) -> str:
    """The same bytes: the last sign before the padding has bits that count for nothing."""
    signs = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    return f"{signature[:-2]}{signs[signs.index(signature[-2]) + 1]}="


def rerooted(note: str) -> str:
    """Another root."""
    root = note.split("\n")[2]
    return note.replace(root, base64.b64encode(bytes(32)).decode())


TREE = (
    Spoilt("a node's hash", "root", tree(lambda value: value["nodes"][2].__setitem__(2, "00" * 32))),
    Spoilt("two nodes' hashes for each other", "root", tree(lambda value: swap_hashes(value["nodes"]))),
    Spoilt("a node gone", "tree-gap", tree(lambda value: value["nodes"].pop(2))),
    Spoilt("the last node gone", "tree-gap", tree(lambda value: value["nodes"].pop())),
    Spoilt("no nodes", "tree-gap", tree(lambda value: value["nodes"].clear())),
    Spoilt("a node twice", "tree-overlap", tree(lambda value: value["nodes"].append(value["nodes"][2]))),
    Spoilt("a node after the end", "beyond", tree(lambda value: value["nodes"].append([3, 9, "00" * 32]))),
    Spoilt("two nodes for one", "tree-extra", halves, of=one_case),
    Spoilt("the tree's size", "size", tree(lambda value: value.update(size=37))),
    Spoilt("a node at a level beyond measure", "file-malformed", tree(lambda value: value["nodes"].append([9**18, 0, "00" * 32]))),
    Spoilt("a node below zero", "file-malformed", tree(lambda value: value["nodes"].append([0, -1, "00" * 32]))),
    Spoilt("a node of the wrong kind", "file-malformed", tree(lambda value: value["nodes"].append({}))),
    Spoilt("a node of two", "file-malformed", tree(lambda value: value["nodes"].append([0, 1]))),
    Spoilt("nodes that are none", "file-malformed", tree(lambda value: value.update(nodes=None))),
    Spoilt("another key in the tree", "file-malformed", tree(lambda value: value.update(more=None))),
    Spoilt("a tree that is a number", "file-malformed", with_file("tree.json", b"1")),
    Spoilt("a key twice in the tree", "file-malformed", swap("tree.json", b"{", b'{"size":36,')),
    Spoilt("a tree nested without end", "file-malformed", with_file("tree.json", b"[" * 200_000)),
)  # fmt: skip

CHECKPOINT = (
    Spoilt("the checkpoint's size", "signature", renoted(lambda note: note.replace("\n36\n", "\n35\n"))),
    Spoilt("the checkpoint's root", "signature", renoted(rerooted)),
    Spoilt("the checkpoint's origin", "signature", renoted(lambda note: note.replace(ORIGIN, "elsewhere", 1))),
    Spoilt("a line more in the checkpoint", "signature", renoted(lambda note: note.replace("\n\n", "\nmore\n\n"))),
    Spoilt("the signature", "signature", resignatured(bent)),
    Spoilt("the signature written in another way", "signature", raw("checkpoint.txt", uncanonical)),
    Spoilt("a signature too short", "signature", renoted(lambda note: f"{note}— {ORIGIN} {OWNER.sign('').split()[2][:8]}\n")),
    Spoilt("the owner's signature gone", "unsigned", renoted(lambda note: "".join(row for row in note.splitlines(keepends=True) if not row.startswith(f"— {ORIGIN}")))),
    Spoilt("another's signature", "unsigned", resigned(THIEF)),
    Spoilt("another's signature, without a key to compare", "unsigned", lambda files: resigned(THIEF)(files) | {"keys.txt": files["keys.txt"]}, keys=()),
    Spoilt("another history, signed by somebody else", "unsigned", history),
    Spoilt("a checkpoint of another size, well signed", "size", resigned(OWNER, lambda text: text.replace("\n36\n", "\n40\n"))),
    Spoilt("a checkpoint of another log, well signed", "origin", resigned(OWNER, lambda text: text.replace(ORIGIN, "elsewhere"))),
    Spoilt("a checkpoint of another root, well signed", "root", resigned(OWNER, rerooted)),
    Spoilt("the witness's signature", "signature", resignatured(bent, 1), keys=WITNESSED),
    Spoilt("only a witness whose key is known", "unsigned", lambda files: files, keys=WITNESSED[1:]),
    Spoilt("a signature that is no base64", "file-malformed", resignatured(lambda raw: "-" + raw[1:])),
    Spoilt("base64 in another spelling", "file-malformed", resignatured(respelled)),
    Spoilt("a checkpoint without signatures", "file-malformed", renoted(lambda note: note.partition("\n\n")[0] + "\n")),
    Spoilt("a checkpoint without its last line feed", "file-malformed", renoted(lambda note: note[:-1])),
    Spoilt("a size with a zero before it", "file-malformed", renoted(lambda note: note.replace("\n36\n", "\n036\n"))),
    Spoilt("an empty checkpoint", "file-malformed", with_file("checkpoint.txt", b"")),
    Spoilt("a checkpoint that is no UTF-8", "file-malformed", with_file("checkpoint.txt", b"\xff\n1\n\n")),
    Spoilt("keys that are none", "file-malformed", with_file("keys.txt", b"a key\n")),
    Spoilt("a key with another hash", "file-malformed", swap("keys.txt", b"+1c3b", b"+1c3c")),
)  # fmt: skip

FILES = (
    Spoilt("a document", "document-changed", with_file(NAMED, b"another plan")),
    Spoilt("a document gone", "document-missing", without(NAMED)),
    Spoilt("a document more", "document-unnamed", with_file(f"documents/{'e3b0c442' * 8}", b"")),
    Spoilt("a definition", "definition-changed", swap(f"{DEFINED}/call.toml", b"2023", b"2024")),
    Spoilt("a file of a definition gone", "definition-missing", without(f"{DEFINED}/call.toml")),
    Spoilt("a definition gone", "definition-missing", without(DEFINED)),
    Spoilt("a file more in a definition", "definition-unnamed", with_file(f"{DEFINED}/more.toml", b"")),
    Spoilt("a definition more", "definition-unnamed", with_file(f"definitions/{'00' * 32}/call.toml", b"")),
    Spoilt("an answer", "file-changed", with_file("answers/01-who.csv", b"case;who\n1;p2\n"), careful=False),
    Spoilt("an answer gone", "file-missing", without("answers/01-who.csv"), careful=False),
    Spoilt("an answer more", "file-unlisted", with_file("answers/02.csv", b""), careful=False),
    Spoilt("the README", "file-changed", with_file("README.txt", b"Trust me.\n"), careful=False),
    Spoilt("a document, carelessly", "file-changed", with_file(NAMED, b"another plan"), careful=False),
    Spoilt("the events, carelessly", "file-changed", body(5, "1.5", "2.5"), careful=False),
    *(Spoilt(f"no {name}", "file-missing", without(name)) for name in ("tree.json", "events.jsonl", "keys.txt", "checkpoint.txt")),
)  # fmt: skip

PACK = tuple(
    Spoilt(what, code, spoil, careful=False)
    for what, code, spoil in (
        ("the pack's size", "size", told(size=37)),
        ("the count of events", "event-count", told(events=25)),
        ("the log's origin", "origin", told(origin="elsewhere")),
        ("what is left out", "left-out", told(left_out=[])),
        ("the call", "scope", told(scope={"call": "another"})),
        ("a case for a call", "scope", told(scope={"case": "0" * 36, "number": "1"})),
        ("a digest of a file", "file-changed", edited("pack.json", lambda pack: pack["files"].update({"README.txt": "00" * 32}))),
        ("a file that is not there", "file-missing", edited("pack.json", lambda pack: pack["files"].update({"a": "00" * 32}))),
        ("a file too few", "file-unlisted", edited("pack.json", lambda pack: pack["files"].pop("README.txt") and None)),
        ("another format", "format", told(format="grantflow-pack/2")),
        ("a format that is a list", "format", told(format=[])),
        ("a key more", "no-pack", told(more=1)),
        ("a key too few", "no-pack", edited("pack.json", lambda pack: pack.pop("origin") and None)),
        ("a key twice", "no-pack", swap("pack.json", b"{", b'{"size":36,')),
        ("no JSON", "no-pack", swap("pack.json", b"{", b"")),
        ("a list", "no-pack", with_file("pack.json", b"[]")),
        ("no UTF-8", "no-pack", with_file("pack.json", b"\xff")),
        ("nested without end", "no-pack", with_file("pack.json", b'{"a":' * 100_000)),
        ("no pack.json", "no-pack", without("pack.json")),
        ("a size that is text", "no-pack", told(size="36")),
        ("a scope that is a list", "no-pack", told(scope=[])),
        ("an empty scope", "no-pack", told(scope={})),
        ("an instant that is none", "no-pack", told(made_at="yesterday")),
        ("names that are numbers", "no-pack", told(left_out=[1])),
        ("a digest that is none", "no-pack", edited("pack.json", lambda pack: pack["files"].update({"README.txt": None}))),
        ("files that are a list", "no-pack", told(files=[])),
    )
)  # fmt: skip

SPOILT = (*EVENTS, *FIELDS, *TREE, *CHECKPOINT, *FILES, *PACK)


def swap_hashes(nodes: list[list[object]]) -> None:
    """Let two nodes have each other's hash."""
    nodes[0][2], nodes[1][2] = nodes[1][2], nodes[0][2]


def broken_archives() -> dict[str, tuple[str, bytes]]:
    """Archives that are spoilt themselves, by what it is, with what a verifier calls it."""
    files = whole()
    good, stored = zipped(files), zipped(files, zipfile.ZIP_STORED)
    pairs = list(files.items())
    locked, other = bytearray(stored), bytearray(stored)
    first = stored.index(b"PK\x01\x02")
    locked[first + 8] |= 1
    other[first + 10] = 99
    flipped = stored.replace(b"Verify me.", b"Verify mf.")
    short = bytearray(stored)
    struct.pack_into("<I", short, stored.index(b"PK\x01\x02") + 24, len(files[pairs[0][0]]) + 5)
    bomb = b"0" * (40 << 20)
    return {
        "empty": ("not-zip", b""),
        "no ZIP": ("not-zip", b"PK but not much more" * 20),
        "truncated": ("not-zip", good[: len(good) // 2]),
        "without its last byte": ("not-zip", good[:-1]),
        "something before it": ("not-zip", b"#!/bin/sh\n" + good),
        "encrypted": ("encrypted", bytes(locked)),
        "compressed by other means": ("encrypted", bytes(other)),
        "compressed with LZMA": ("encrypted", zipped(files, zipfile.ZIP_LZMA)),
        "a byte changed in the archive": ("file-broken", flipped),
        "longer than it is": ("file-broken", bytes(short)),
        "a name twice": ("file-twice", twice([*pairs, ("README.txt", b"Trust me.")])),
        "a name above": ("file-name", zipped([*pairs, ("../x", b"")])),
        "a name from the root": ("file-name", zipped([*pairs, ("/etc/x", b"")])),
        "a name with a backslash": ("file-name", zipped([*pairs, ("a\\b", b"")])),
        "a folder": ("file-name", zipped([*pairs, ("documents/", b"")])),
        "a bomb": ("too-large", zipped(listed(files | {"answers/02.csv": bomb}))),
    }


def twice(pairs: list[tuple[str, bytes]]) -> bytes:
    """An archive with a name twice, which zipfile would warn of."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in pairs:
            archive.writestr(name, content)
            archive.NameToInfo.clear()
    return out.getvalue()
