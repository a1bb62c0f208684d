"""Is a file of the shape its kind asks for? Unknown keys, missing keys and wrong types, all of them at once."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from msgspec import NODEFAULT, inspect

from grantflow.inspection.finding import nearest

if TYPE_CHECKING:
    from grantflow.inspection.source import Source, Where

_PLAIN: dict[type[inspect.Type], tuple[tuple[type, ...], str]] = {
    inspect.StrType: ((str,), "text"),
    inspect.BoolType: ((bool,), "true or false"),
    inspect.IntType: ((int,), "a whole number"),
    inspect.FloatType: ((int, float), "a number"),
    inspect.DateType: ((date,), "a date such as 2023-08-28"),
    inspect.TimeType: ((time,), "a time of day such as 12:00:00"),
}
_NARROW = (bool, datetime)
"""Python takes these for whole numbers and for dates; a file's author doesn't."""


def check_shape(source: Source, kind: type) -> None:
    """Compare the file with the struct that it is read into."""
    _check(source, (), source.value, inspect.type_info(kind))


def _check(source: Source, where: Where, value: Any, kind: inspect.Type) -> None:  # noqa: ANN401 - any value
    match kind:
        case inspect.StructType():
            _table(source, where, value, kind)
        case inspect.VarTupleType():
            _list(source, where, value, kind.item_type)
        case inspect.DictType():
            _dict(source, where, value, kind)
        case inspect.LiteralType():
            if value not in kind.values:
                known = [str(one) for one in kind.values]
                source.add(where, f"'{_name(where)}' can't be {value!r}{nearest(value, known)}")
        case inspect.UnionType():
            one = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
            _check(source, where, value, one)
        case _:
            types, words = _PLAIN[type(kind)]
            if not isinstance(value, types) or (type(value) in _NARROW and type(value) not in types):
                source.add(where, f"'{_name(where)}' must be {words}, and is {_told(value)}")


def _table(source: Source, where: Where, value: Any, kind: inspect.StructType) -> None:  # noqa: ANN401 - any value
    name = _name(where)
    if not isinstance(value, dict):
        source.add(where, f"'{name}' must be a table")
        return
    fields = {field.encode_name: field for field in kind.fields}
    for key in value:
        if key not in fields:
            missing = [one for one in fields if one not in value] or list(fields)
            source.add((*where, key), f"unknown key '{key}' in {name}{nearest(key, missing)}")
    for key, field in fields.items():
        if key in value:
            _check(source, (*where, key), value[key], field.type)
        elif field.default is NODEFAULT and field.default_factory is NODEFAULT:
            source.add(where, f"{name} lacks '{key}'")


def _list(source: Source, where: Where, value: Any, kind: inspect.Type) -> None:  # noqa: ANN401 - any value
    if not isinstance(value, list):
        source.add(where, f"'{_name(where)}' must be a list")
        return
    for number, item in enumerate(value):
        _check(source, (*where, number), item, kind)


def _dict(source: Source, where: Where, value: Any, kind: inspect.DictType) -> None:  # noqa: ANN401 - any value
    if not isinstance(value, dict):
        source.add(where, f"'{_name(where)}' must be a table")
        return
    known = kind.key_type.values if isinstance(kind.key_type, inspect.LiteralType) else None
    for key, inner in value.items():
        if known is not None and key not in known:
            source.add((*where, key), f"unknown key '{key}' in {_name(where)}{nearest(key, map(str, known))}")
        else:
            _check(source, (*where, key), inner, kind.value_type)


def _told(value: object) -> str:
    """A value as the file writes it, near enough: dates and times plainly, the rest as Python does."""
    return str(value) if isinstance(value, date | time) else repr(value)


def _name(where: Where) -> str:
    """What people call it: the last key on the way, or the file itself."""
    keys = [part for part in where if isinstance(part, str)]
    return keys[-1] if keys else "the file"
