"""Reads a CEL expression into a tree, so that names, kinds and values in it can be looked at without running it."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import cel
import msgspec

QUOTED = r"""[rRbB]{0,2} (?: \"{3} .*? \"{3} | '{3} .*? '{3} | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' )"""
"""A text with its quotes, as a verbose pattern."""
_TOKEN = re.compile(
    rf"""
      (?P<text> {QUOTED} )
    | (?P<number> 0[xX][0-9a-fA-F]+[uU]? | (?: \d+ (?:\.\d+)? | \.\d+ ) (?:[eE][+-]?\d+)? [uU]? )
    | (?P<name> [A-Za-z_]\w* )
    | (?P<sign> && | \|\| | [<>=!]= | \S )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"//[^\n]*")
_BINDING = (("||",), ("&&",), ("<", "<=", ">", ">=", "==", "!=", "in"), ("+", "-"), ("*", "/", "%"))
"""CEL's operators between two values, the loosest first."""


class Name(msgspec.Struct, frozen=True):
    """A variable."""

    name: str


class Literal(msgspec.Struct, frozen=True):
    """A text, a number, `true`, `false` or `null`; `said` is a text's content, `number` a number's value."""

    kind: str
    said: str | None = None
    number: int | float | None = None


class Field(msgspec.Struct, frozen=True):
    """A field of a value: `project.title`."""

    of: Node
    name: str


class Item(msgspec.Struct, frozen=True):
    """An item of a list or map: `lines[0]`."""

    of: Node
    index: Node


class Call(msgspec.Struct, frozen=True):
    """A function, a method of a value, or a macro: `money(x)`, `lines.all(l, …)`."""

    of: Node | None
    name: str
    arguments: tuple[Node, ...]


class Unary(msgspec.Struct, frozen=True):
    """`!x` or `-x`."""

    sign: str
    of: Node


class Binary(msgspec.Struct, frozen=True):
    """Two values with an operator between them."""

    sign: str
    left: Node
    right: Node


class Choice(msgspec.Struct, frozen=True):
    """`test ? yes : no`."""

    test: Node
    yes: Node
    no: Node


class Listed(msgspec.Struct, frozen=True):
    """A list of values, or a map's keys and values (`of_map`)."""

    items: tuple[Node, ...]
    of_map: bool = False


Node: TypeAlias = Name | Literal | Field | Item | Call | Unary | Binary | Choice | Listed


def read(expression: str) -> Node:
    """The tree of an expression. ValueError when it is none that this reader knows."""
    reader = _Reader(expression)
    try:
        node = reader.choice()
    except RecursionError as error:
        msg = "too deeply nested"
        raise ValueError(msg) from error
    reader.expect("")
    return node


def parts(node: Node) -> tuple[Node, ...]:
    """What a node is made of."""
    match node:
        case Field(of, _) | Unary(_, of):
            made_of: tuple[Node, ...] = (of,)
        case Item(one, other) | Binary(_, one, other):
            made_of = (one, other)
        case Call(of, _, arguments):
            made_of = arguments if of is None else (of, *arguments)
        case Choice(test, yes, no):
            made_of = (test, yes, no)
        case Listed(items, _):
            made_of = items
        case _:
            made_of = ()
    return made_of


def written(node: Node) -> str:
    """A path as it is written, `project.title` or `lines[0].text`; empty for what is none."""
    match node:
        case Name(name):
            return name
        case Field(of, name):
            return f"{written(of)}.{name}" if written(of) else ""
        case Item(of, Literal(number=int(number))):
            return f"{written(of)}[{number}]" if written(of) else ""
        case _:
            return ""


class _Reader:
    """Reads tokens from left to right, each level of binding by the next tighter one."""

    def __init__(self, expression: str) -> None:
        self._tokens = [(found.lastgroup or "", found[0]) for found in _TOKEN.finditer(_bare(expression))]
        self._next = 0

    @property
    def _sign(self) -> str:
        kind, token = self._tokens[self._next] if self._next < len(self._tokens) else ("", "")
        return "" if kind == "text" else token

    def _take(self) -> tuple[str, str]:
        if self._next >= len(self._tokens):
            msg = "ends too early"
            raise ValueError(msg)
        self._next += 1
        return self._tokens[self._next - 1]

    def expect(self, sign: str) -> None:
        """Take this sign, or find the end where it is empty."""
        if (self._next < len(self._tokens)) if not sign else (self._sign != sign):
            msg = f"expected {sign or 'the end'}"
            raise ValueError(msg)
        self._next += bool(sign)

    def choice(self) -> Node:
        """A whole expression."""
        test = self._bound(0)
        if self._sign != "?":
            return test
        self._take()
        yes = self.choice()
        self.expect(":")
        return Choice(test, yes, self.choice())

    def _bound(self, level: int) -> Node:
        if level == len(_BINDING):
            return self._unary()
        left = self._bound(level + 1)
        while self._sign in _BINDING[level]:
            left = Binary(self._take()[1], left, self._bound(level + 1))
        return left

    def _unary(self) -> Node:
        if self._sign in ("!", "-"):
            return Unary(self._take()[1], self._unary())
        node = self._primary()
        while self._sign in (".", "["):
            if self._take()[1] == "[":
                node = Item(node, self.choice())
                self.expect("]")
            else:
                name = self._take()[1]
                node = Call(node, name, self._items(")")) if self._sign == "(" else Field(node, name)
        return node

    def _primary(self) -> Node:
        kind, word = self._take()
        if kind == "text":
            said = _value(word)
            return Literal("text", said=said if isinstance(said, str) else None)
        if kind == "number":
            return Literal("number", number=_value(word))
        if word == "(":
            inner = self.choice()
            self.expect(")")
            return inner
        if word in ("[", "{"):
            self._next -= 1
            return Listed(self._items("]" if word == "[" else "}"), of_map=word == "{")
        if kind != "name":
            msg = f"no value begins with {word}"
            raise ValueError(msg)
        if word in ("true", "false", "null"):
            return Literal("yes-or-no" if word != "null" else "")
        return Call(None, word, self._items(")")) if self._sign == "(" else Name(word)

    def _items(self, close: str) -> tuple[Node, ...]:
        """Values between brackets, with commas (and a map's colons) between them."""
        self._take()
        items: list[Node] = []
        while self._sign != close:
            items.append(self.choice())
            if self._sign in (",", ":") and self._sign != close:
                self._take()
        self._take()
        return tuple(items)


def _bare(expression: str) -> str:
    """The expression without comments; a `//` inside a text is no comment."""
    if "//" not in expression:
        return expression
    parts = re.split(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", expression)
    return "".join(part if number % 2 else _COMMENT.sub("", part) for number, part in enumerate(parts))


def _value(token: str) -> Any:  # noqa: ANN401 - a text, bytes or a number
    """What a literal is for the engine itself; None for what it doesn't read alone."""
    try:
        return cel.compile(token).execute(cel.Context())
    except ValueError:
        return None
