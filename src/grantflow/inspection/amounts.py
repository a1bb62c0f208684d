"""What is wrong where numbers and amounts meet: øre with kroner, amounts as texts, decimals with whole numbers."""

from __future__ import annotations

import re

import msgspec

from grantflow.domain.money import ore
from grantflow.inspection.expression import Binary, Choice, Literal, Node, Unary, written
from grantflow.inspection.values import DECIMAL, NUMBER, ORE, TEXT, WHOLE, Value, plain

_ORDERING = ("<", "<=", ">", ">=")
_COMPARING = ("==", "!=", *_ORDERING)
_CALCULATING = ("+", "-", "*", "/", "%")
_KRONER = re.compile(
    r"(?:kr\.? ?)?(?P<whole>\d{1,3}(?:[ .\xa0]\d{3})+|\d+)(?:[.,](?P<part>\d\d?)|,-)?(?: ?kr)?", re.IGNORECASE
)
_LIKE = "one like money('100000.00')"
_INSTEAD = "as in money(a) * 5 >= money(b)"


class Side(msgspec.Struct, frozen=True):
    """What stands on one side of an operator, and what is known of it."""

    node: Node
    value: Value


def spelled(node: Node) -> str:
    """A text or number as the amount that is meant by it, `money('100000.00')`; empty where that can't be told."""
    match node:
        case Literal(number=int() | float() as number):
            return f"money('{number:.2f}')"
        case Literal(said=str(said)):
            found = _KRONER.fullmatch(said.strip())
            kroner = re.sub(r"\D", "", found["whole"]).lstrip("0") or "0" if found else ""
            amount = f"{kroner}.{(found['part'] or '').ljust(2, '0')}" if found else ""
            return f"money('{amount}')" if is_amount(amount) else ""
        case Unary("-", of):
            return f"-{spelled(of)}" if spelled(of) else ""
        case _:
            return f"money({written(node)})" if written(node) else ""


def no_amount(node: Node) -> str:
    """What is wrong with a text that money(…) is given, where it is written out; empty when nothing is."""
    said = node.said if isinstance(node, Literal) else None
    return "" if said is None or is_amount(said) else f"'{said}' is no amount; write {spelled(node) or _LIKE}"


def is_amount(text: str) -> bool:
    """Whether money(…) takes a text."""
    try:
        ore(text)
    except ValueError:
        return False
    return True


def instead(*sides: Side, sign: str = "") -> str:
    """What to write where a number is needed and an amount stands as a text; empty where none does."""
    amounts = [spelled(side.node) for side in sides if side.value.written_amount]
    if (
        sign
        and amounts
        and all(side.value.written_amount or isinstance(side.node, Literal) for side in sides)
    ):
        amounts = [f" {sign} ".join(spelled(side.node) for side in sides)]
    return f"; write {amounts[0]}" if amounts and amounts[0] else ""


def number_faults(sign: str, left: Side, right: Side) -> list[str]:
    """A sentence for each thing wrong where two numbers, or amounts as texts, are compared or calculated with."""
    faults: list[str] = []
    for one, other in ((left, right), (right, left)):
        if one.value.amount and sign in (*_COMPARING, "+", "-"):
            faults += [_bare(sign, node) for node in _bare_numbers(other.node)]
    return faults or [
        fault for fault in (_as_texts(sign, left, right), _decimals(sign, left, right)) if fault
    ]


def calculated(sign: str, left: Value, right: Value) -> Value:
    """What is known of what a calculation with two numbers gives."""
    if (left.amount or right.amount) and sign in ("+", "-", "*"):
        return Value(ORE, {})
    if left.whole and right.whole:
        return Value(WHOLE, {})
    return Value(DECIMAL, {}) if left.decimal and right.decimal else plain(NUMBER)


def either(yes: Value, no: Value) -> Value:
    """What is known of what is one of two values."""
    if yes.kind and no.kind and yes.kind != no.kind:
        return plain("")
    if yes.whole and no.whole:
        return Value(ORE if yes.amount or no.amount else WHOLE, {})
    return plain(yes.kind or no.kind)


def _bare(sign: str, node: Node) -> str:
    return f"an amount is in øre; beside '{sign}' write {spelled(node)}, not a bare number"


def _bare_numbers(node: Node) -> list[Node]:
    """The numbers that stand there as they are; 0 is the same in kroner and in øre."""
    match node:
        case Literal(number=int() | float() as number):
            return [node] if number else []
        case Unary("-", Literal()):
            return _bare_numbers(node.of)
        case Choice(_, yes, no):
            return [*_bare_numbers(yes), *_bare_numbers(no)]
        case _:
            return []


def _as_texts(sign: str, left: Side, right: Side) -> str:
    """Amounts as they are filled in are texts, which are neither ordered nor added as amounts are."""
    amounts = [side for side in (left, right) if side.value.written_amount]
    if not amounts or sign not in (*_ORDERING, "+") or {left.value.kind, right.value.kind} - {TEXT, ""}:
        return ""
    sides = [spelled(side.node) for side in (left, right)]
    amounts_of = f" {sign} ".join(sides) if all(sides) else "money(…) of each"
    does = "puts amounts together" if sign == "+" else "compares amounts"
    return f"'{sign}' {does} letter by letter, as texts; write {amounts_of}"


def _decimals(sign: str, left: Side, right: Side) -> str:
    """CEL calculates with whole numbers or with decimals, never with both; and whole numbers divide to whole ones."""
    for one, other in ((left, right), (right, left)):
        if not (one.value.whole and other.value.decimal):
            continue
        decimal = f"the decimal {other.node.number}" if isinstance(other.node, Literal) else "a decimal"
        if sign in _CALCULATING:
            return f"'{sign}' can't take a whole number and {decimal}; use whole numbers, {_INSTEAD}"
        if sign in _COMPARING and isinstance(one.node, Binary) and one.node.sign == "/":
            return f"'/' drops the rest, and is compared with {decimal}; multiply instead, {_INSTEAD}"
    return ""
