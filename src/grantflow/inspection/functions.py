"""The functions that an expression may call: what each takes, what it gives, and what is wrong with a call of one."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import cel

from grantflow.domain.rules import FUNCTIONS
from grantflow.inspection.amounts import no_amount, spelled
from grantflow.inspection.expression import Literal
from grantflow.inspection.finding import nearest
from grantflow.inspection.values import (
    DECIMAL,
    LIST,
    NUMBER,
    ORE,
    TEXT,
    WHOLE,
    YES_OR_NO,
    Value,
    in_words,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.inspection.expression import Call

MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
"""CEL's macros that give each item of a list a name."""
_OF_TEXTS = frozenset({"startsWith", "endsWith", "contains", "matches"})
"""What stands behind its text: `text.matches(…)`."""
_OF_TIMES = frozenset({
    "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours",
    "getMinutes", "getSeconds", "getMilliseconds",
})  # fmt: skip
_YES_OR_NO = frozenset({"has", "distinct", "valid_orgnr", "municipality", "county"})
RESULTS = {
    "size": Value(WHOLE, {}), "int": Value(WHOLE, {}), "uint": plain(NUMBER), "double": Value(DECIMAL, {}),
    "string": plain(TEXT), "money": Value(ORE, {}), "sum": plain(NUMBER),
    **dict.fromkeys(("type", "duration", "timestamp", "dyn", "bytes"), plain("")),
    **dict.fromkeys(_OF_TEXTS | _YES_OR_NO, plain(YES_OR_NO)), **dict.fromkeys(_OF_TIMES, Value(WHOLE, {})),
}  # fmt: skip
"""CEL's own functions, and those of `rules.functions`: what is known of what each gives."""
_TAKES = {
    "money": TEXT, "sum": LIST, "distinct": LIST, "valid_orgnr": TEXT, "municipality": TEXT, "county": TEXT
}  # fmt: skip
_TOLD = (
    "money", "sum", "distinct", "valid_orgnr", "municipality", "county", "has", "size", "all", "exists",
    "exists_one", "map", "filter", "startsWith", "endsWith", "contains", "matches",
)  # fmt: skip
"""The functions that docs/calls.md tells of."""
_TRY = "''.matches(pattern)"
_REASON = re.compile(r"error: (?P<reason>[^\n]*?)\. Check function")


def result(name: str, given: Sequence[Value]) -> Value:
    """What is known of what a function gives; a sum is like the items that it adds."""
    if name == "sum" and given and given[0].item.kind == NUMBER:
        return given[0].item
    return RESULTS.get(name, plain(""))


def call_faults(call: Call, receiver: Value | None, given: Sequence[Value]) -> list[str]:
    """A sentence for each thing wrong in a call; the receiver, what stands before its dot, is the first of `given`."""
    name, taken = call.name, _TAKES.get(call.name, "")
    wrong = [value.kind for value in given if taken and value.kind not in ("", taken)]
    if name not in RESULTS and name not in FUNCTIONS:
        near = nearest(name, {*RESULTS, *MACROS}) or f"; there are: {', '.join(_TOLD)}"
        faults = [f"there is no function '{name}'{near}"]
    elif name in _OF_TEXTS:
        faults = _text_faults(call, receiver)
    elif name in _OF_TIMES and receiver is not None and receiver.kind == TEXT:
        faults = [
            f"{name}(…) reads a timestamp, and is given a text; compare dates as texts, like '2027-01-31'"
        ]
    elif wrong:
        number = call.arguments[0] if name == "money" and call.arguments else None
        meant = f"; write {spelled(number)}" if isinstance(number, Literal) and spelled(number) else ""
        faults = [
            f"{name}(…) takes {in_words(taken)}, and is given {in_words(kind)}{meant}" for kind in wrong
        ]
    elif name == "money":
        faults = [no_amount(node) for node in (call.of, *call.arguments) if node is not None]
    elif name == "sum" and given and given[0].item.kind not in ("", NUMBER):
        amounts = "; make each an amount with money(…)" if given[0].item.written_amount else ""
        faults = [
            f"sum(…) adds numbers, and is given a list of which each item is {in_words(given[0].item.kind)}{amounts}"
        ]
    else:
        faults = []
    return [fault for fault in faults if fault]


def _text_faults(call: Call, receiver: Value | None) -> list[str]:
    """What looks into a text stands behind one, and a pattern that is written out must be one."""
    if receiver is None:
        return [f"{call.name}(…) stands behind the text it looks into: text.{call.name}(…)"]
    if receiver.kind not in ("", TEXT):
        instead = "; use in" if receiver.kind == LIST and call.name == "contains" else ""
        return [f"{call.name}(…) looks into a text, and is given {in_words(receiver.kind)}{instead}"]
    match call.arguments:
        case (Literal(said=str(pattern)),) if call.name == "matches":
            return [_no_pattern(pattern)]
        case _:
            return []


@lru_cache(maxsize=1_000)
def _no_pattern(pattern: str) -> str:
    """What the engine says is wrong with a pattern, by trying it; empty when nothing is."""
    try:
        cel.compile(_TRY).execute(cel.Context(variables={"pattern": pattern}))
    except (RuntimeError, ValueError) as error:
        found = _REASON.search(str(error))
        return f"the pattern '{pattern}' can't be used: {found['reason'] if found else 'it is too large'}"
    return ""
