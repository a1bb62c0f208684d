"""What a revision changes in a call: key by key, each rule, deadline or step named by its id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from grantflow.domain.difference import changes_between

if TYPE_CHECKING:
    from grantflow.domain.call import Call
    from grantflow.domain.difference import Change


def changes(before: Call, after: Call) -> list[Change]:
    """Every value that differs, by its path: `rules.min-participants.require`, `process.steps.grant.roles[0]`."""
    return list(changes_between("", _told(before), _told(after)))


def _told(call: Call) -> dict[str, Any]:
    """All that a definition says, in plain values; registers are told by their files alone."""
    return {
        **_by_id(_plain(call.declared)),
        "process": _by_id(_plain(call.process.declared)),
        "letters": _plain(call.letters),
        "forms": {name: json.loads(call.files[name]) for name in call.forms},
        "registers": {
            name: f"{text.count(chr(10))} lines"
            for name, text in call.files.items()
            if name.startswith("registers/")
        },
    }


def _plain(declared: msgspec.Struct | None) -> Any:  # noqa: ANN401 - JSON
    return msgspec.json.decode(msgspec.json.encode(declared))


def _by_id(value: Any) -> Any:  # noqa: ANN401 - any plain value
    """Lists of things with an id become tables, so that one more does not make all others differ."""
    if isinstance(value, dict):
        return {key: _by_id(inner) for key, inner in value.items()}
    if isinstance(value, list) and value and all(isinstance(one, dict) and "id" in one for one in value):
        return {one["id"]: {key: _by_id(inner) for key, inner in one.items() if key != "id"} for one in value}
    return value
