"""Whether a letter's standard texts are there when they are needed: such a letter is refused where one is empty."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING, Any

from grantflow.domain.letters import PLACEHOLDERS
from grantflow.inspection.finding import nearest
from grantflow.inspection.tables import quoted, text, texts, within

if TYPE_CHECKING:
    from grantflow.inspection.source import Source, Where

_GRANTS_OWN = frozenset({"instalments", "conditions", "later_years"})
"""Names that come out empty in any letter where the grant has none of these."""


def check_standard_texts(source: Source, where: Where, letter: dict[str, Any], call: dict[str, Any]) -> None:
    """Each text names what is filled in, and has something beside what can come out empty.

    A block without a standard text is written by whoever issues the letter; a reservation has one.
    """
    empty = _can_be_empty(str(where[0]), call)
    for name, block in within(letter, "blocks").items():
        standard = text(block, "text") if isinstance(block, dict) else ""
        _check(source, (*where, "blocks", name, "text"), standard, empty)
    for name, standard in within(letter, "reservations").items():
        if isinstance(standard, str):
            at = (*where, "reservations", name)
            _check(source, at, standard, empty)
            if not standard.strip():
                source.add(at, f"the reservation '{name}' is empty: the standard letter would be refused")


def _can_be_empty(kind: str, call: dict[str, Any]) -> frozenset[str]:
    """The names that come out empty in some letter of this kind."""
    deadlines = call.get("deadlines")
    tables = [one for one in deadlines if isinstance(one, dict)] if isinstance(deadlines, list) else []
    empty = set(_GRANTS_OWN)
    if kind == "reversal":
        empty |= {"amount", "signed_by"}
    if not any("countersign-accounts" in texts(one, "steps") for one in tables):
        empty.add("report_deadline")
    if within(call, "legal_regime").get("grounds") is False:
        empty |= {"rule", "facts", "considerations"}
    return frozenset(empty)


def _check(source: Source, where: Where, standard: str, empty: frozenset[str]) -> None:
    """Each `$name` is one that the engine fills in; a dollar sign that is meant as one is written `$$`."""
    named = []
    for found in Template.pattern.finditer(standard):
        name = found["named"] or found["braced"]
        if found["invalid"] is not None:
            source.add(where, "a '$' that no name follows; write '$$' for the sign itself")
        elif name and name not in PLACEHOLDERS:
            source.add(where, f"nothing is filled in for '${name}'{nearest(name, PLACEHOLDERS)}")
        named.append(f"${name}")
    left = Template(standard).safe_substitute(dict.fromkeys(empty, ""))
    if named and not left.strip():
        names = quoted(dict.fromkeys(named))
        verb = "is" if len(set(named)) == 1 else "are"
        source.add(
            where, f"nothing is left of this text where {names} {verb} empty: such a letter is refused"
        )
