"""Money is NOK in whole øre inside, and a decimal string with two digits outside: never a float."""

import re
from functools import lru_cache
from typing import Any

Ore = int
"""An amount of NOK in whole øre."""

_GAP = "\N{NO-BREAK SPACE}"
_KRONER = re.compile(r"(0|[1-9][0-9]{0,11})\.([0-9]{2})")


@lru_cache(maxsize=4_096)
def ore(text: str) -> Ore:
    """The amount that a string like `1234567.00` stands for; ValueError for any other form."""
    match = _KRONER.fullmatch(text)
    if match is None:
        msg = f"{text!r} is not an amount: kroner and two digits of øre, such as 250000.00"
        raise ValueError(msg)
    return int(match[1]) * 100 + int(match[2])


def kroner(amount: Ore) -> str:
    """An amount as contract's decimal string, `1234567.00`."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def kr(amount: Ore) -> str:
    """An amount as people read it, `1 234 567 kr`, or `1 234 567,50 kr` when not whole; the spaces don't break."""
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), 100)
    grouped = f"{whole:,}".replace(",", _GAP)
    return f"{sign}{grouped}{f',{rest:02d}' if rest else ''}{_GAP}kr"


def in_kroner(value: Any) -> Any:  # noqa: ANN401 - plain JSON values
    """Plain values with every `…_ore` told in kroner. What applicants wrote themselves is left as they wrote it."""
    if isinstance(value, dict):
        return {
            key.removesuffix("_ore"): kroner(one)
            if key.endswith("_ore") and isinstance(one, int)
            else in_kroner(one)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [in_kroner(one) for one in value]
    return value
