"""Which kind of value an expression gives, and what in it can never be right: unknown names, kinds that don't meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.rules import FUNCTIONS
from grantflow.domain.schema import Schema, inside, resolved
from grantflow.inspection.expression import (
    Binary,
    Call,
    Choice,
    Field,
    Item,
    Listed,
    Literal,
    Name,
    Node,
    Unary,
)
from grantflow.inspection.finding import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT, NUMBER, YES_OR_NO, LIST, TABLE = "text", "number", "yes-or-no", "list", "table"
_OF_SCHEMA = {
    "string": TEXT, "integer": NUMBER, "number": NUMBER, "boolean": YES_OR_NO, "array": LIST, "object": TABLE
}  # fmt: skip
_WORDS = {TEXT: "a text", NUMBER: "a number", YES_OR_NO: "yes or no", LIST: "a list", TABLE: "a table"}
_COMPARING = ("==", "!=", "<", "<=", ">", ">=")
_CHOOSING = frozenset({"allOf", "anyOf", "oneOf", "patternProperties", "if"})
"""Where a schema says one of these, its properties are not all there is to say."""

MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
"""CEL's macros that give each item of a list a name."""
RESULTS = {
    "size": NUMBER, "int": NUMBER, "uint": NUMBER, "double": NUMBER, "string": TEXT, "bool": YES_OR_NO,
    "has": YES_OR_NO, "startsWith": YES_OR_NO, "endsWith": YES_OR_NO, "contains": YES_OR_NO,
    "matches": YES_OR_NO, "type": "", "duration": "", "timestamp": "", "dyn": "", "bytes": "",
    "getFullYear": NUMBER, "getMonth": NUMBER, "getDate": NUMBER, "getDayOfMonth": NUMBER,
    "getDayOfWeek": NUMBER, "getDayOfYear": NUMBER, "getHours": NUMBER, "getMinutes": NUMBER,
    "getSeconds": NUMBER, "getMilliseconds": NUMBER,
    "money": NUMBER, "sum": NUMBER, "distinct": YES_OR_NO,
    "valid_orgnr": YES_OR_NO, "municipality": YES_OR_NO, "county": YES_OR_NO,
}  # fmt: skip
"""CEL's own functions, and those of `rules.functions`: what kind each gives, where that is always the same."""
_TAKES = {
    "money": TEXT, "sum": LIST, "distinct": LIST, "valid_orgnr": TEXT, "municipality": TEXT, "county": TEXT
}  # fmt: skip


class Value(msgspec.Struct, frozen=True):
    """What is known of a value: the schema it fits, and the form that the schema's references lead into."""

    schema: Schema
    root: Schema

    @property
    def kind(self) -> str:
        """Text, number, yes-or-no, list or table; empty where that can't be told."""
        here = resolved(self.root, self.schema)
        said = here.get("type")
        if isinstance(said, str):
            return _OF_SCHEMA.get(said, "")
        return TEXT if self.choices else ""

    @property
    def choices(self) -> list[str]:
        """The texts it can be, where the form lists them all."""
        listed = resolved(self.root, self.schema).get("enum")
        texts = listed if isinstance(listed, list) else []
        return texts if all(isinstance(one, str) for one in texts) else []

    def field(self, name: str) -> Value:
        """What is known of one of its fields."""
        return Value(inside(self.root, self.schema, name), self.root)

    @property
    def item(self) -> Value:
        """What is known of each of its items."""
        return Value(inside(self.root, self.schema, 0), self.root)

    @property
    def fields(self) -> list[str] | None:
        """The fields it can have; None where that can't be told."""
        here = resolved(self.root, self.schema)
        properties = here.get("properties")
        return list(properties) if isinstance(properties, dict) and not _CHOOSING & set(here) else None


UNKNOWN = Value({}, {})


def plain(kind: str) -> Value:
    """A value of which only its kind is known."""
    names = {TEXT: "string", NUMBER: "number", YES_OR_NO: "boolean", LIST: "array", TABLE: "object"}
    return Value({"type": names[kind]}, {}) if kind else UNKNOWN


def look_through(node: Node, names: Mapping[str, Value]) -> tuple[Value, list[str]]:
    """What an expression gives when its variables are these, and a sentence for each thing wrong in it."""
    look = _Look()
    value = look.at(node, names)
    return value, list(dict.fromkeys(look.faults))


class _Look:
    """Goes through a tree, from the leaves up."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def at(self, node: Node, names: Mapping[str, Value]) -> Value:
        """What is known of the value of a node."""
        match node:
            case Name(name):
                if name not in names:
                    self.faults.append(f"there is no '{name}' to ask about here{nearest(name, names)}")
                known = names.get(name, UNKNOWN)
            case Literal(kind, _):
                known = plain(kind)
            case Field(of, name):
                known = self._field(self.at(of, names), written(of), name)
            case Item(of, index):
                self.at(index, names)
                known = self.at(of, names).item
            case _:
                known = self._compound(node, names)
        return known

    def _compound(self, node: Node, names: Mapping[str, Value]) -> Value:
        match node:
            case Call():
                known = self._call(node, names)
            case Unary(sign, of):
                known = self._needs(sign, self.at(of, names), YES_OR_NO if sign == "!" else NUMBER)
            case Binary():
                known = self._binary(node, names)
            case Choice(test, yes, no):
                self._needs("?", self.at(test, names), YES_OR_NO)
                known = self._either(self.at(yes, names), self.at(no, names))
            case Listed(items, of_map):
                values = [self.at(item, names) for item in items]
                kinds = {value.kind for value in values}
                item = plain(kinds.pop()) if len(kinds) == 1 else UNKNOWN
                known = plain(TABLE) if of_map else Value({"type": "array", "items": item.schema}, {})
            case _:
                known = UNKNOWN
        return known

    def _field(self, value: Value, path: str, name: str) -> Value:
        fields = value.fields
        if fields is not None and name not in fields:
            self.faults.append(f"there is no field '{path}.{name}'{nearest(name, fields)}")
        elif value.kind not in ("", TABLE):
            self.faults.append(f"there is no field '{path}.{name}': '{path}' is {_WORDS[value.kind]}")
        return value.field(name)

    def _call(self, call: Call, names: Mapping[str, Value]) -> Value:
        if call.of is not None and call.name in MACROS:
            return self._macro(call, names)
        if call.name not in RESULTS and call.name not in FUNCTIONS:
            self.faults.append(f"there is no function '{call.name}'{nearest(call.name, {*RESULTS, *MACROS})}")
        values = [self.at(one, names) for one in (call.of, *call.arguments) if one is not None]
        taken = _TAKES.get(call.name)
        for value in values if taken else ():
            if value.kind not in ("", taken):
                self.faults.append(
                    f"{call.name}(…) takes {_WORDS[taken or '']}, and is given {_WORDS[value.kind]}"
                )
        return plain(RESULTS.get(call.name, ""))

    def _macro(self, call: Call, names: Mapping[str, Value]) -> Value:
        value = self.at(call.of, names) if call.of is not None else UNKNOWN
        if value.kind not in ("", LIST, TABLE):
            self.faults.append(f"{call.name}(…) goes through a list, and is given {_WORDS[value.kind]}")
        item, *asked = call.arguments
        inner = {**names, item.name: value.item} if isinstance(item, Name) else names
        given = [self.at(one, inner) for one in asked]
        if call.name == "map":
            return (
                Value({"type": "array", "items": given[-1].schema}, given[-1].root) if given else plain(LIST)
            )
        for one in given:
            self._needs(f"{call.name}(…)", one, YES_OR_NO)
        return value if call.name == "filter" else plain(YES_OR_NO)

    def _binary(self, node: Binary, names: Mapping[str, Value]) -> Value:
        sign, left, right = node.sign, self.at(node.left, names), self.at(node.right, names)
        if sign in ("&&", "||"):
            for side in (left, right):
                self._needs(sign, side, YES_OR_NO)
        elif sign == "in":
            listed = node.right.items if isinstance(node.right, Listed) else ()
            for one in listed:
                self._choice_of(node.left, left, one)
            self._choice_of(node.right, right.item, node.left)
        elif sign in _COMPARING:
            self._choice_of(node.left, left, node.right)
            self._choice_of(node.right, right, node.left)
            self._alike(f"'{sign}' compares", left, right)
        elif sign == "+":
            self._alike("'+' adds", left, right)
            return left if left.kind == LIST else plain(left.kind or right.kind)
        else:
            for side in (left, right):
                self._needs(sign, side, NUMBER)
            return plain(left.kind or right.kind)
        return plain(YES_OR_NO)

    def _choice_of(self, asked: Node, value: Value, other: Node) -> None:
        """A text that a value of listed choices is compared with must be one of them."""
        said = other.said if isinstance(other, Literal) else None
        if said is not None and value.choices and said not in value.choices:
            self.faults.append(f"'{written(asked)}' is never '{said}'{nearest(said, value.choices)}")

    def _alike(self, words: str, left: Value, right: Value) -> None:
        if left.kind and right.kind and left.kind != right.kind:
            self.faults.append(f"{words} {_WORDS[left.kind]} with {_WORDS[right.kind]}")

    def _needs(self, sign: str, value: Value, kind: str) -> Value:
        if value.kind not in ("", kind):
            self.faults.append(f"'{sign}' needs {_WORDS[kind]}, and is given {_WORDS[value.kind]}")
        return plain(kind)

    def _either(self, yes: Value, no: Value) -> Value:
        if yes.kind and no.kind and yes.kind != no.kind:
            return UNKNOWN
        return plain(yes.kind or no.kind)


def in_words(kind: str) -> str:
    """A kind as a sentence names it."""
    return _WORDS[kind]


def written(node: Node) -> str:
    """A path as it is written, `project.title`; empty for what is none."""
    match node:
        case Name(name):
            return name
        case Field(of, name):
            return f"{written(of)}.{name}".strip(".")
        case Item(of, _):
            return f"{written(of)}[…]"
        case _:
            return ""
