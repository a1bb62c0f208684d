"""Which kind of value an expression gives, and what in it can never be right: unknown names, kinds that don't meet."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from grantflow.inspection.amounts import Side, calculated, either, instead, number_faults
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
    written,
)
from grantflow.inspection.finding import nearest
from grantflow.inspection.functions import MACROS, call_faults, result
from grantflow.inspection.literals import never
from grantflow.inspection.values import (
    LIST,
    NUMBER,
    TABLE,
    TEXT,
    UNKNOWN,
    YES_OR_NO,
    Value,
    in_words,
    list_of,
    numeric,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMPARING = ("==", "!=", "<", "<=", ">", ">=")


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
            case Literal(kind, _, number):
                known = plain(kind) if number is None else numeric(number)
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
                value = self.at(of, names)
                needed = YES_OR_NO if sign == "!" else NUMBER
                self._needs(sign, Side(of, value), needed)
                known = value if sign == "-" and value.kind == NUMBER else plain(needed)
            case Binary():
                known = self._binary(node, names)
            case Choice(test, yes, no):
                self._needs("?", Side(test, self.at(test, names)), YES_OR_NO)
                known = either(self.at(yes, names), self.at(no, names))
            case Listed(items, of_map):
                values = [self.at(item, names) for item in items]
                alike = len({value.kind for value in values}) == 1
                item = reduce(either, values) if alike else UNKNOWN
                known = plain(TABLE) if of_map else list_of(item)
            case _:
                known = UNKNOWN
        return known

    def _field(self, value: Value, path: str, name: str) -> Value:
        fields = value.fields
        whole = f"{path}.{name}".removeprefix(".")
        if fields is not None and name not in fields:
            self._add(f"there is no field '{whole}'{nearest(name, fields)}")
        elif value.kind not in ("", TABLE):
            owner = f"'{path}'" if path else "what it is asked of"
            self._add(f"there is no field '{whole}': {owner} is {in_words(value.kind)}")
        return value.field(name)

    def _call(self, call: Call, names: Mapping[str, Value]) -> Value:
        if call.of is not None and call.name in MACROS:
            return self._macro(call, names)
        receiver = self.at(call.of, names) if call.of is not None else None
        given = [*([] if receiver is None else [receiver]), *(self.at(one, names) for one in call.arguments)]
        self.faults += call_faults(call, receiver, given)
        return result(call.name, given)

    def _macro(self, call: Call, names: Mapping[str, Value]) -> Value:
        value = self.at(call.of, names) if call.of is not None else UNKNOWN
        if value.kind not in ("", LIST, TABLE):
            self.faults.append(f"{call.name}(…) goes through a list, and is given {in_words(value.kind)}")
        item, *asked = call.arguments
        inner = {**names, item.name: value.item} if isinstance(item, Name) else names
        given = [self.at(one, inner) for one in asked]
        if call.name == "map":
            return list_of(given[-1]) if given else plain(LIST)
        for one, known in zip(asked, given, strict=True):
            self._needs(f"{call.name}(…)", Side(one, known), YES_OR_NO)
        return value if call.name == "filter" else plain(YES_OR_NO)

    def _binary(self, node: Binary, names: Mapping[str, Value]) -> Value:
        sign = node.sign
        left, right = (Side(one, self.at(one, names)) for one in (node.left, node.right))
        if sign in ("&&", "||"):
            for side in (left, right):
                self._needs(sign, side, YES_OR_NO)
        elif sign == "in":
            self._within(left, right)
        elif sign in _COMPARING:
            self._add(never(sign, left, right.node), never(sign, right, left.node))
            self._alike(sign, "compares", left, right)
            self._add(*number_faults(sign, left, right))
        else:
            self._add(*number_faults(sign, left, right))
            return self._calculated(sign, left, right)
        return plain(YES_OR_NO)

    def _within(self, left: Side, right: Side) -> None:
        for one in right.node.items if isinstance(right.node, Listed) else ():
            self._add(never("in", left, one))
        self._add(never("in", Side(right.node, right.value.item), left.node))
        if right.value.kind not in ("", LIST, TABLE):
            meant = "; use contains(…)" if right.value.kind == TEXT else ""
            self._add(f"'in' looks into a list, and is given {in_words(right.value.kind)}{meant}")

    def _calculated(self, sign: str, left: Side, right: Side) -> Value:
        if sign == "+":
            self._alike(sign, "adds", left, right)
            if left.value.kind != NUMBER or right.value.kind != NUMBER:
                return left.value if left.value.kind == LIST else plain(left.value.kind or right.value.kind)
        else:
            for side in (left, right):
                self._needs(sign, side, NUMBER)
        return calculated(sign, left.value, right.value)

    def _alike(self, sign: str, does: str, left: Side, right: Side) -> None:
        one, other = left.value.kind, right.value.kind
        if one and other and one != other:
            meant = instead(left, right, sign=sign) if NUMBER in (one, other) else ""
            self._add(f"'{sign}' {does} {in_words(one)} with {in_words(other)}{meant}")

    def _needs(self, sign: str, side: Side, kind: str) -> None:
        if side.value.kind not in ("", kind):
            meant = instead(side) if kind == NUMBER else ""
            self._add(f"'{sign}' needs {in_words(kind)}, and is given {in_words(side.value.kind)}{meant}")

    def _add(self, *faults: str) -> None:
        self.faults += [fault for fault in faults if fault]
