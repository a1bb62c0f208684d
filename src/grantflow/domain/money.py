"""Money is NOK in whole øre inside, and a decimal string with two digits outside: never a float."""

import re

Ore = int
"""An amount of NOK in whole øre."""

_KRONER = re.compile(r"(0|[1-9][0-9]{0,11})\.([0-9]{2})")


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
