"""Columns of many rows as PostgreSQL's own binary arrays, packed at once: an append is nothing but such columns."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

_HEAD = Struct("!iiIii").pack
_LENGTH, _INT, _BIGINT = (Struct(form).pack for form in ("!i", "!ii", "!iq"))
_EMPTY = Struct("!iiI").pack


class Packed(bytes):
    """An array, ready to be sent; subclasses say of what."""

    __slots__ = ()
    element: ClassVar[int]
    """PostgreSQL's number for the type of its elements."""
    array: ClassVar[int]
    """And for the array itself."""


class Texts(Packed):
    """text[]."""

    element, array = 25, 1009


class Bytes(Packed):
    """bytea[]."""

    element, array = 17, 1001


class Ints(Packed):
    """int[]."""

    element, array = 23, 1007


class Bigints(Packed):
    """bigint[]."""

    element, array = 20, 1016


class Uuids(Packed):
    """uuid[]."""

    element, array = 2950, 2951


def texts(values: Iterable[str]) -> Texts:
    """Texts as text[]."""
    return Texts(_array(Texts, _sized([value.encode() for value in values])))


def byteas(values: Sequence[bytes]) -> Bytes:
    """Bytes as bytea[]."""
    return Bytes(_array(Bytes, _sized(values)))


def ints(values: Iterable[int]) -> Ints:
    """Small whole numbers as int[]."""
    return Ints(_array(Ints, [_INT(4, value) for value in values]))


def bigints(values: Iterable[int]) -> Bigints:
    """Whole numbers as bigint[]."""
    return Bigints(_array(Bigints, [_BIGINT(8, value) for value in values]))


def uuids(values: Iterable[UUID]) -> Uuids:
    """UUIDs as uuid[]."""
    return Uuids(_array(Uuids, [b"\0\0\0\x10" + value.bytes for value in values]))


def _sized(values: Sequence[bytes]) -> list[bytes]:
    return [_LENGTH(len(value)) + value for value in values]


def _array(kind: type[Packed], elements: Sequence[bytes]) -> bytes:
    if not elements:
        return _EMPTY(0, 0, kind.element)
    return b"".join((_HEAD(1, 0, kind.element, len(elements), 1), *elements))
