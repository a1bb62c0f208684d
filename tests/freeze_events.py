"""Writes a frozen example of each event type that has none yet, into tests/events; it never overwrites one.

Run it when a new event type, or a new version of one, is about to be shipped: .venv/bin/python tests/freeze_events.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from grantflow.domain import lifecycle
from grantflow.domain.event import EVENT_TYPES, Event, body_of

EXAMPLES = Path(__file__).with_name("events")
KNOWN = lifecycle.PHASES

VALUES: dict[str, Any] = {
    "UUIDType": "0f6a7d52-3c1e-5b7a-9a52-0c6f5d1f8e23",
    "DateTimeType": "2023-08-28T21:59:59.999999Z",
    "DateType": "2023-08-28",
    "DecimalType": "4.85",
    "IntType": 80_000_000,
    "BoolType": True,
    "AnyType": {"amount": "800000.00", "lines": [{"text": "Språkmentorer", "year": 2023}]},
}
TEXTS = {
    "account": "12345678903",
    "call": "imdi-2023-tillegg",
    "channel": "web",
    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "command": "c-1",
    "organisation": "958935420",
    "person": "p-4711",
    "recorded_at": "2023-08-28T21:59:59.999999Z",
    "role": "applicant",
    "state": "submitted",
    "step": "submit",
}


def example_of(kind: type[Event]) -> Event:
    """Make up an event in which every field says something, and nothing is left at its default."""
    return msgspec.convert(_sample("", msgspec.inspect.type_info(kind)), kind)


def _sample(name: str, kind: Any) -> Any:
    sample: Any
    match type(kind).__name__:
        case "StructType":
            sample = {field.encode_name: _sample(field.encode_name, field.type) for field in kind.fields}
        case "UnionType":
            sample = _sample(name, next(k for k in kind.types if type(k).__name__ != "NoneType"))
        case "DictType":
            sample = {"nb": _sample(name, kind.value_type)}
        case "VarTupleType":
            sample = [_sample(name, kind.item_type)]
        case "LiteralType":
            sample = kind.values[0]
        case "StrType":
            sample = TEXTS.get(name, f"{name}: Áltá «æøå» & co.")
        case sort:
            sample = VALUES[sort]
    return sample


def file_of(topic: str) -> Path:
    """Where the example of a type stands."""
    return EXAMPLES / f"{topic}.json"


if __name__ == "__main__":
    for topic, kind in EVENT_TYPES.items():
        if not file_of(topic).exists():
            file_of(topic).write_bytes(body_of(example_of(kind)))
            sys.stdout.write(f"{file_of(topic).name}\n")
