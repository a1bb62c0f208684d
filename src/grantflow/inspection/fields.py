"""Which fields a CEL expression names, compared with the forms that the content must fit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from grantflow.domain.schema import inside, resolved
from grantflow.inspection.finding import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from grantflow.domain.schema import Schema

_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<number>\d[\w.]*)|(?P<name>[A-Za-z_]\w*)|(?P<sign>[^\s])"""
)
_BINDING = frozenset({"all", "exists", "exists_one", "map", "filter"})
"""CEL's macros that give each item of a list a name."""
_RESERVED = frozenset({"true", "false", "null", "in"})


def unknown_fields(expression: str, variables: Mapping[str, Schema | None], root: Schema) -> list[str]:
    """One sentence for each field that the forms don't have, with the nearest they do."""
    reader = _Reader(expression, root)
    reader.expression(dict(variables))
    return reader.unknown


class _Reader:
    """Reads an expression from left to right. It compiles already, so only names and brackets matter here."""

    def __init__(self, expression: str, root: Schema) -> None:
        self._tokens = [(found.lastgroup or "", found[0]) for found in _TOKEN.finditer(expression)]
        self._next, self._root = 0, root
        self.unknown: list[str] = []

    def expression(self, names: Mapping[str, Schema | None]) -> Schema | None:
        """Read up to a closing bracket, a comma or the end; what the first operand stands for."""
        first: Schema | None = None
        begun = False
        while self._sign not in (")", "]", "}", ",", ""):
            value = self._operand(names)
            first, begun = (first if begun else value), True
        return first

    @property
    def _sign(self) -> str:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else ""

    def _take(self) -> tuple[str, str]:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _operand(self, names: Mapping[str, Schema | None]) -> Schema | None:
        kind, text = self._take()
        if text in ("(", "[", "{"):
            value = self.expression(names)
            while self._sign == ",":
                self._take()
                self.expression(names)
            self._take()
            return self._rest(value if text == "(" else None, "", names)
        if kind != "name" or text in _RESERVED:
            return self._rest(None, "", names) if kind == "text" else None
        if self._sign == "(":
            self._arguments(names)
            return self._rest(None, text, names)
        return self._rest(names.get(text), text, names)

    def _rest(self, value: Schema | None, path: str, names: Mapping[str, Schema | None]) -> Schema | None:
        """Fields, items and methods that follow a value."""
        while self._sign in (".", "["):
            if self._take()[1] == "[":
                self.expression(names)
                self._take()
                value = self._item(value)
                continue
            name = self._take()[1]
            called = self._sign == "("
            value = self._method(name, value, names) if called else self._field(value, path, name)
            path = f"{path}.{name}"
        return value

    def _method(self, name: str, value: Schema | None, names: Mapping[str, Schema | None]) -> Schema | None:
        if name not in _BINDING:
            self._arguments(names)
            return None
        self._take()
        item = self._take()[1]
        inner = {**names, item: self._item(value)}
        while self._sign == ",":
            self._take()
            self.expression(inner)
        self._take()
        return value if name == "filter" else None

    def _item(self, value: Schema | None) -> Schema | None:
        return inside(self._root, value, 0) or None if value else None

    def _arguments(self, names: Mapping[str, Schema | None]) -> None:
        self._take()
        self.expression(names)
        while self._sign == ",":
            self._take()
            self.expression(names)
        self._take()

    def _field(self, value: Schema | None, path: str, name: str) -> Schema | None:
        properties = resolved(self._root, value).get("properties") if value else None
        if not isinstance(properties, dict):
            return None
        if name not in properties:
            self.unknown.append(f"there is no field '{path}.{name}'{nearest(name, properties)}")
            return None
        return inside(self._root, value or {}, name) or None


def field_path(path: str, root: Schema) -> str:
    """What is wrong with a dotted path into a form, such as `budget.lines`; empty when nothing is."""
    node: Schema = root
    so_far: list[str] = []
    for part in _parts(path):
        properties: Any = resolved(root, node).get("properties")
        if not isinstance(properties, dict) or part not in properties:
            known = properties if isinstance(properties, dict) else ()
            return f"there is no field '{'.'.join([*so_far, part])}'{nearest(part, known)}"
        node = inside(root, node, part)
        so_far.append(part)
    return ""


def _parts(path: str) -> Iterator[str]:
    yield from (part.partition("[")[0] for part in path.split("."))
