"""What is known of a value before anybody has filled anything in: its schema, and what follows from it."""

from __future__ import annotations

import re

import msgspec

from grantflow.domain.schema import Schema, inside, resolved

TEXT, NUMBER, YES_OR_NO, LIST, TABLE = "text", "number", "yes-or-no", "list", "table"
_OF_SCHEMA = {
    "string": TEXT, "integer": NUMBER, "number": NUMBER, "boolean": YES_OR_NO, "array": LIST, "object": TABLE
}  # fmt: skip
_WORDS = {TEXT: "a text", NUMBER: "a number", YES_OR_NO: "yes or no", LIST: "a list", TABLE: "a table"}
_CHOOSING = frozenset({"allOf", "anyOf", "oneOf", "patternProperties", "if"})
"""Where a schema says one of these, its properties are not all there is to say."""
_UNIT, _NAMED = "x-unit", "x-named"
"""Marks in the schemas made here: a number's unit, and what the choices of a text are called."""

WHOLE: Schema = {"type": "integer"}
DECIMAL: Schema = {"type": "number", _UNIT: "decimal"}
ORE: Schema = {"type": "integer", _UNIT: "øre"}
"""An amount, as money(…) gives it."""


class Value(msgspec.Struct, frozen=True):
    """What is known of a value: the schema it fits, and the form that the schema's references lead into."""

    schema: Schema
    root: Schema

    @property
    def _here(self) -> Schema:
        return resolved(self.root, self.schema)

    @property
    def kind(self) -> str:
        """Text, number, yes-or-no, list or table; empty where that can't be told."""
        said = self._here.get("type")
        if isinstance(said, str):
            return _OF_SCHEMA.get(said, "")
        return TEXT if self.choices else ""

    @property
    def choices(self) -> list[str]:
        """The texts it can be, where they are all listed."""
        listed = self._here.get("enum")
        texts = listed if isinstance(listed, list) else []
        return texts if all(isinstance(one, str) for one in texts) else []

    @property
    def named(self) -> str:
        """What its choices are called, such as `theme`; empty for those of a form's field."""
        return str(self._here.get(_NAMED, ""))

    @property
    def whole(self) -> bool:
        """Whether it is a whole number for certain."""
        return self._here.get("type") == "integer"

    @property
    def decimal(self) -> bool:
        """Whether it is a number with decimals."""
        return bool(self._here.get(_UNIT) == DECIMAL[_UNIT])

    @property
    def amount(self) -> bool:
        """Whether it is an amount in øre."""
        return bool(self._here.get(_UNIT) == ORE[_UNIT])

    @property
    def date(self) -> bool:
        """Whether it is a date, written as a text."""
        return self.kind == TEXT and self._here.get("format") == "date"

    @property
    def written_amount(self) -> bool:
        """Whether it is an amount as it is filled in: a text whose pattern asks for two decimals."""
        pattern = self._here.get("pattern")
        if self.kind != TEXT or not isinstance(pattern, str):
            return False
        try:
            return bool(re.search(pattern, "250000.00")) and not re.search(pattern, "250000")
        except re.error:
            return False

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
        properties = self._here.get("properties")
        return list(properties) if isinstance(properties, dict) and not _CHOOSING & set(self._here) else None

    def may_lack(self, name: str) -> bool:
        """Whether it has a field of this name that need not be filled in."""
        required = self._here.get("required")
        return name in (self.fields or ()) and name not in (required if isinstance(required, list) else ())


UNKNOWN = Value({}, {})


def plain(kind: str) -> Value:
    """A value of which only its kind is known."""
    names = {TEXT: "string", NUMBER: "number", YES_OR_NO: "boolean", LIST: "array", TABLE: "object"}
    return Value({"type": names[kind]}, {}) if kind else UNKNOWN


def numeric(number: float) -> Value:
    """A number that is written out."""
    return Value(WHOLE if isinstance(number, int) else DECIMAL, {})


def list_of(item: Value) -> Value:
    """A list of which each item is like this."""
    return Value({"type": "array", "items": item.schema}, item.root)


def one_of(named: str, choices: list[str]) -> Schema:
    """The schema of a text that is one of these ids, called so."""
    return {"type": "string", "enum": choices, _NAMED: named}


def in_words(kind: str) -> str:
    """A kind as a sentence names it."""
    return _WORDS[kind]
