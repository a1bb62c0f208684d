"""A file of a definition with the place of every key and item in it, so that a finding can point there."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

import tree_sitter_json
import tree_sitter_toml
from tree_sitter import Language, Parser

from grantflow.inspection.finding import Finding
from grantflow.inspection.slips import hint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tree_sitter import Node

Where = tuple[str | int, ...]
"""A path into a file: keys of tables, and numbers of items from 0."""

_TOML, _JSON = Language(tree_sitter_toml.language()), Language(tree_sitter_json.language())
_MARK = "\ufeff"
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class Source:
    """A TOML, JSON or text file: its value (None when it can't be read, or is text), and its findings."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text.removeprefix(_MARK)
        self.findings: list[Finding] = []
        self.value: Any = None
        self._places: dict[Where, tuple[int, int]] = {(): (1, 1)}
        if text.startswith(_MARK):
            self.add((), "the file begins with a byte order mark; save it as UTF-8 without BOM")
        if path.suffix == ".toml":
            self._read_toml()
        elif path.suffix == ".json":
            self._read_json()

    def add(self, where: Where, message: str) -> None:
        """A finding at a key or item, or at the nearest thing around it that is in the file."""
        while where not in self._places:
            where = where[:-1]
        line, column = self._places[where]
        self.findings.append(Finding(str(self.path), line, column, message))

    def add_at(self, line: int, message: str) -> None:
        """A finding at the beginning of a line."""
        self.findings.append(Finding(str(self.path), line, 1, message))

    def tables(self, *where: str) -> Iterator[tuple[Where, dict[str, Any]]]:
        """The tables of a list in the file, each with its path; nothing where there are none."""
        value = self.value
        for key in where:
            value = value.get(key) if isinstance(value, dict) else None
        for number, table in enumerate(value if isinstance(value, list) else []):
            if isinstance(table, dict):
                yield (*where, number), table

    def _read_toml(self) -> None:
        try:
            self.value = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            found = _AT.search(str(error))
            line, column = (int(found[1] or self._last_line), int(found[2] or 1)) if found else (1, 1)
            reason = _AT.sub("", str(error))
            self._broken(line, column, reason + hint(reason, self.text.split("\n")[line - 1]))
        else:
            for where, place in _toml_places(Parser(_TOML).parse(self.text.encode()).root_node):
                for length in range(1, len(where) + 1):
                    self._places.setdefault(where[:length], place)

    def _read_json(self) -> None:
        try:
            self.value = json.loads(self.text)
        except json.JSONDecodeError as error:
            self._broken(error.lineno, error.colno, error.msg)
        else:
            root = Parser(_JSON).parse(self.text.encode()).root_node
            self._places |= dict(_json_places(root.named_children[0], ()))
            for key in _twice(root.named_children[0]):
                message = f"{_text(key)} stands twice in one object, and only the last of them would count"
                self.findings.append(Finding(str(self.path), *_start(key), message))

    def _broken(self, line: int, column: int, reason: str) -> None:
        self.findings.append(Finding(str(self.path), line, column, f"can't be read: {reason}"))

    @property
    def _last_line(self) -> int:
        return self.text.count("\n") + 1


Place = tuple[Where, tuple[int, int]]


def _toml_places(document: Node) -> Iterator[Place]:
    counts: dict[Where, int] = {}
    for node in document.named_children:
        if node.type == "pair":
            yield from _pair_places(node, ())
        elif node.type in ("table", "table_array_element"):
            yield from _table_places(node, counts)


def _table_places(node: Node, counts: dict[Where, int]) -> Iterator[Place]:
    """A table array's items are counted; a table below one belongs to its latest item."""
    keys = _keys(node.named_children[0])
    if node.type == "table_array_element":
        listed = (*_full(keys[:-1], counts), keys[-1])
        if listed not in counts:
            yield listed, _start(node)
        counts[listed] = counts.get(listed, 0) + 1
    where = _full(keys, counts)
    yield where, _start(node)
    for pair in node.named_children[1:]:
        if pair.type == "pair":
            yield from _pair_places(pair, where)


def _full(keys: tuple[str, ...], counts: dict[Where, int]) -> Where:
    where: Where = ()
    for key in keys:
        where = (*where, key)
        if where in counts:
            where = (*where, counts[where] - 1)
    return where


def _pair_places(pair: Node, base: Where) -> Iterator[Place]:
    key, value = pair.named_children[0], pair.named_children[-1]
    where = (*base, *_keys(key))
    yield where, _start(key)
    yield from _value_places(value, where)


def _value_places(value: Node, where: Where) -> Iterator[Place]:
    if value.type == "inline_table":
        for pair in value.named_children:
            if pair.type == "pair":
                yield from _pair_places(pair, where)
    elif value.type == "array":
        items = [item for item in value.named_children if item.type != "comment"]
        for number, item in enumerate(items):
            yield (*where, number), _start(item)
            yield from _value_places(item, (*where, number))


def _json_places(value: Node, where: Where) -> Iterator[Place]:
    yield where, _start(value)
    if value.type == "object":
        for pair in value.named_children:
            key, inner = pair.named_children[0], pair.named_children[-1]
            inside = (*where, json.loads(_text(key)))
            yield from _json_places(inner, inside)
            yield inside, _start(key)
    elif value.type == "array":
        for number, item in enumerate(value.named_children):
            yield from _json_places(item, (*where, number))


def _twice(value: Node) -> Iterator[Node]:
    """Every key of a JSON value that stands in its object already."""
    seen: set[str] = set()
    for child in value.named_children:
        if child.type == "pair":
            key = child.named_children[0]
            if json.loads(_text(key)) in seen:
                yield key
            seen.add(json.loads(_text(key)))
        yield from _twice(child)


def _keys(node: Node) -> tuple[str, ...]:
    if node.type == "dotted_key":
        return tuple(key for child in node.named_children for key in _keys(child))
    return (_text(node).strip("\"'"),)


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _start(node: Node) -> tuple[int, int]:
    return node.start_point.row + 1, node.start_point.column + 1
