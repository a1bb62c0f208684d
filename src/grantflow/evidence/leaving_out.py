"""What a pack can do without: fields by name, or all that name persons, or all that people wrote, or the documents."""

from __future__ import annotations

import difflib
import types
from functools import cache
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import msgspec

from grantflow.domain import lifecycle
from grantflow.domain.errors import Refused
from grantflow.domain.event import EVENT_TYPES, Stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

KNOWN = lifecycle.PHASES
ATTACHMENT = "attachment"
FILES = "files"
"""The field that holds a definition: never left out, since everything else is judged by it."""
STAMP = "stamp."

PERSONS = frozenset({"person", "case_officer", "signed_by", "issued_by", "sealed", "subordinate", "superior"})
"""What the fields are called, at any depth, that say who somebody is (`sealed` is a name under a key of its own)."""
CARRIERS = frozenset({"text", "before", "after", "reads", "content", "address", "stamp.command"})
"""The fields that may carry a person all the same: a letter ends with the signer's name, a correction may be of any
field, a form holds what the call asks for, a mailbox may be a person's after all, and a command is named as its
sender likes."""
CODES = frozenset(
    {
        "about", "account", "appropriation", "area", "areas", "authority", "bank_reference", "binds",
        "call", "channel", "condition", "county", "criterion", "deadline", "decided_by", "declared", "definition",
        "digest", "entry", "field", "for_role", "form", "gathered", "id", "kind", "language", "left", "media_type",
        "message", "municipality", "name", "names", "number", "organisation", "outcome", "partners", "passed",
        "previous", "reference", "rule", "section", "stage", "states", "themes", "to", "under",
    }
)  # fmt: skip
"""What the text fields are called that hold identifiers, numbers, the definition's words, or organisations' names."""


class CantLeaveOut(Refused):
    """What was to be left out is no field of any event, or is what everything else is judged by."""

    code = "cant-leave-out"
    status = 422


@cache
def person_fields() -> frozenset[str]:
    """Every field that names a person, or may carry one's name where it stands in another's place."""
    named = {name for name, inner, _ in _leaves() if inner in PERSONS}
    return CARRIERS | named | {f"{STAMP}person"}


@cache
def text_fields() -> frozenset[str]:
    """Every field with something in it that people wrote in words."""
    return frozenset(
        name for name, inner, kind in _leaves() if kind is Any or inner not in CODES | PERSONS
    ) - {FILES}


def document_fields() -> frozenset[str]:
    """The field that names a document: without it, the document is not in the pack either."""
    return frozenset({ATTACHMENT})


PRESETS: dict[str, Callable[[], frozenset[str]]] = {
    "persons": person_fields,
    "texts": text_fields,
    "documents": document_fields,
}
"""What can be left out under one name."""


def names_left_out(asked: Collection[str]) -> frozenset[str]:
    """The fields that are left out. CantLeaveOut when one is not known, or never left out."""
    every = {*_fields(), *PRESETS}
    names: set[str] = set()
    for name in asked:
        if name == FILES:
            msg = "The definitions (files) are never left out: everything else is judged by them."
            raise CantLeaveOut(msg)
        if name not in every:
            near = difflib.get_close_matches(name, every, n=3, cutoff=0.4)
            msg = f"No event has a field {name[:80]!r}." + (f" Is it {' or '.join(near)}?" if near else "")
            raise CantLeaveOut(msg)
        names |= PRESETS[name]() if name in PRESETS else {name}
    return frozenset(names)


@cache
def _fields() -> frozenset[str]:
    """The name of every field that any event has."""
    named = {field.name for kind in EVENT_TYPES.values() for field in msgspec.structs.fields(kind)}
    return frozenset(named - {"stamp"} | {STAMP + field.name for field in msgspec.structs.fields(Stamp)})


def _leaves() -> Iterator[tuple[str, str, Any]]:
    """Every place for text in any event: the field, what it is called where it stands, and its type (str or Any)."""
    for kind in EVENT_TYPES.values():
        for field in msgspec.structs.fields(kind):
            if field.name != "stamp":
                yield from ((field.name, *leaf) for leaf in _within(field.name, field.type))


def _within(name: str, kind: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - a type of any kind
    if kind in (str, Any):
        yield name, kind
    elif get_origin(kind) in (Union, types.UnionType, tuple, list, dict):
        inner = get_args(kind)
        for one in inner[1:] if get_origin(kind) is dict else inner:
            yield from _within(name, one)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for field in msgspec.structs.fields(kind):
            yield from _within(field.name, field.type)
