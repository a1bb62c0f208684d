"""What differs between two states of a case, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.domain.application import Application

_BOOKKEEPING = ("version", "recorded_at", "acts")
"""Every event changes these, so they say nothing."""


class Change(msgspec.Struct, frozen=True):
    """A field that differs: its dotted path, and its plain JSON value before and after (None: not there)."""

    path: str
    before: Any
    after: Any


def difference(before: Application, after: Application) -> list[Change]:
    """Every field that differs between two states of one case, in the order of the fields."""
    one, other = (msgspec.json.decode(msgspec.json.encode(case)) for case in (before, after))
    for name in _BOOKKEEPING:
        one.pop(name, None)
        other.pop(name, None)
    return list(changes_between("", one, other))


def changes_between(path: str, before: Any, after: Any) -> Iterator[Change]:  # noqa: ANN401 - any JSON
    """Every value that differs between two plain values, `path` before each."""
    if before == after:
        return
    if isinstance(before, dict | None) and isinstance(after, dict | None) and (before or after):
        one, other = before or {}, after or {}
        for key in [*one, *(key for key in other if key not in one)]:
            yield from changes_between(f"{path}.{key}" if path else str(key), one.get(key), other.get(key))
    elif isinstance(before, list | None) and isinstance(after, list | None):
        one_list, other_list = before or [], after or []
        for n in range(max(len(one_list), len(other_list))):
            yield from changes_between(f"{path}[{n}]", _at(one_list, n), _at(other_list, n))
    else:
        yield Change(path, before, after)


def _at(values: list[Any], n: int) -> Any:  # noqa: ANN401 - any JSON
    return values[n] if n < len(values) else None
