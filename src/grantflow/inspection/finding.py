"""What is wrong with a definition, and where: findings with file, line and column."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

_FEW = 12


class Finding(msgspec.Struct, frozen=True, order=True):
    """Something wrong in a file, at a line and column counted from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        """As compilers write it: `file:line:column: message`."""
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


def nearest(name: object, known: Iterable[str]) -> str:
    """`; did you mean 'submit'?`, or the few names there are, or nothing."""
    names = sorted(known)
    near = get_close_matches(str(name), names, n=1)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; there are: {', '.join(names)}" if 0 < len(names) <= _FEW else ""
