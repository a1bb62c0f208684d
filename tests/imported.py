"""Lines for an import, as automation writes them: cases under the 2023 call; and what a store then holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from given import OSLO_KOMMUNE
from steps import content

from grantflow.domain.event import body_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from grantflow.store import Store

CALL = "imdi-2023-tillegg"
ADVISER = {"person": "0301-adviser", "role": "applicant", "organisation": OSLO_KOMMUNE}


def line(key: str, step: str = "edit", **said: Any) -> bytes:
    """One line, with its end; by the adviser unless said."""
    told = {"key": key, "step": step, **ADVISER, **said}
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"


def start(key: str, **said: Any) -> bytes:
    """A line that begins a case under the 2023 call unless said."""
    return line(key, "start", **{"call": CALL, **said})


def edit(key: str, begun: Any, section: str = "applicant", **fields: Any) -> bytes:
    """A line that fills in a section of a case: the one the adviser began under this key, unless named otherwise."""
    case = {"key": begun} if isinstance(begun, str) else begun[0]
    data = {"section": section, "content": {**content()[section], **fields}}
    return line(key, "edit", case=case, data=data)


def whole_cases(chosen: Random, many: int) -> Iterator[bytes]:
    """So many lines: cases begun and filled in, several at a time, with some lines that are refused each time."""
    told = 0
    number = 0
    while told < many:
        cases = [f"case-{number + n}" for n in range(chosen.randint(1, 9))]
        number += len(cases)
        lines = [start(case) for case in cases]
        for section in content():
            for case in cases:
                lines.append(edit(f"{case}/{section}", case, section))
                if chosen.random() < 0.04:
                    lines.append(chosen.choice(_bad(f"{case}/{section}/bad", case)))
        yield from lines[: many - told]
        told += len(lines)


def _bad(key: str, begun: str) -> list[bytes]:
    """Lines that can't be taken, now or later."""
    return [
        b'{"key": "' + key.encode() + b'"\n',
        b"\xff\n",
        edit(key, "nobody"),
        line(key, "edit", case={"key": begun}, data={"section": "unknown", "content": {}}),
        line(key, "grant", case={"key": begun}, data={}),
    ]


def facts(store: Store) -> dict[Any, Any]:
    """All that the log holds, stream by stream, but for the instants at which it was recorded."""
    held: dict[Any, Any] = {}
    for entry in store.everything():
        told = json.loads(body_of(entry.event))
        assert told["stamp"].pop("recorded_at")
        held[entry.originator_id, entry.originator_version] = (entry.event.topic, told)
    return held
