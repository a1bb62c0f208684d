"""Fields that need not be filled in, and without which an expression is never true, or can't be worked out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.inspection.expression import Binary, Call, Choice, Field, Literal, Name, Unary, parts, written
from grantflow.inspection.functions import MACROS
from grantflow.inspection.kinds import look_through

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grantflow.inspection.expression import Node
    from grantflow.inspection.values import Value

    Names = Mapping[str, Value]
    Paths = frozenset[str]


def missing(tree: Node, names: Names, *, must_hold: bool) -> list[str]:
    """A sentence for each field that nothing asks for with has(…), though it need not be filled in.

    An expression that `must_hold` is told where it can't be true without the field, another where it gives nothing.
    """
    never_true, never_false = _without(tree, names)
    paths = never_true if must_hold else never_true & never_false
    return [
        f"'{path}' need not be filled in; ask has({path}) first" for path in sorted(paths - _asked_for(tree))
    ]


def _without(node: Node, names: Names) -> tuple[Paths, Paths]:
    """The fields without which a value is never true, and those without which it is never false."""
    match node:
        case Unary("!", of):
            never_true, never_false = _without(of, names)
            return never_false, never_true
        case Binary("&&" | "||", one, other):
            (true, false), (true_too, false_too) = _without(one, names), _without(other, names)
            return (
                (true | true_too, false & false_too)
                if node.sign == "&&"
                else (true & true_too, false | false_too)
            )
        case Choice(test, yes, no):
            (true, false), (yes_true, yes_false), (no_true, no_false) = (
                _without(one, names) for one in (test, yes, no)
            )
            return (true | yes_true) & (false | no_true), (true | yes_false) & (false | no_false)
        case _:
            stuck = _stuck(node, names)
            return stuck, stuck


def _stuck(node: Node, names: Names) -> Paths:
    """The fields without which what is neither `&&`, `||`, `!` nor a choice can't be worked out."""
    match node:
        case Call(None, "has", (Field(of, _),)):
            return _nothing(of, names)
        case Call(of, name, (Name(item), *asked)) if of is not None and name in MACROS:
            inner = {**names, item: look_through(of, names)[0].item}
            return _nothing(of, names).union(*(_without(one, inner)[0] for one in asked))
        case Field(of, name) if written(node) and look_through(of, names)[0].may_lack(name):
            return _nothing(of, names) | {written(node)}
        case _:
            return frozenset().union(*(_nothing(part, names) for part in parts(node)))


def _nothing(node: Node, names: Names) -> Paths:
    """The fields without which a value is neither true nor false, nor anything else."""
    never_true, never_false = _without(node, names)
    return never_true & never_false


def _asked_for(node: Node) -> Paths:
    """The fields that an expression itself asks for: `has(project.own)`, `'own' in project`."""
    inside = frozenset[str]().union(*(_asked_for(part) for part in parts(node)))
    match node:
        case Call(None, "has", (asked,)):
            return inside | {written(asked)}
        case Binary("in", Literal(said=str(name)), of):
            return inside | {f"{written(of)}.{name}"}
        case _:
            return inside
