"""Reads what a JSON Schema says of one field: its schema, and what people call it."""

from __future__ import annotations

from typing import Any

_MOST_REFERENCES = 20

Schema = dict[str, Any]


def resolved(root: Schema, node: Any) -> Schema:  # noqa: ANN401 - any JSON
    """The node with what its local `$ref` points to laid under it; empty when that leads nowhere."""
    for _ in range(_MOST_REFERENCES):
        if not isinstance(node, dict):
            return {}
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return node
        target = _pointed(root, reference)
        beside = {key: value for key, value in node.items() if key != "$ref"}
        node = {**target, **beside} if isinstance(target, dict) else None
    return {}


def inside(root: Schema, node: Schema, part: str | int) -> Schema:
    """The schema of a property, or of the items of a list; empty when nothing is said of it."""
    here = resolved(root, node)
    if isinstance(part, int):
        return resolved(root, here.get("items"))
    properties = here.get("properties")
    return resolved(root, properties.get(part)) if isinstance(properties, dict) else {}


def label(root: Schema, path: list[str | int], language: str) -> str:
    """What people call a field, by its `x-label`: `Budsjettlinje 3, Beløp`. A field without one goes by its name."""
    names: list[str] = []
    node = root
    for part in path:
        node = inside(root, node, part)
        if isinstance(part, int):
            names[-1:] = [f"{names[-1] if names else ''} {part + 1}".strip()]
        else:
            labels = node.get("x-label")
            names.append(labels.get(language, part) if isinstance(labels, dict) else part)
    return ", ".join(names[1:] or names)


def hint(root: Schema, path: list[str | int]) -> dict[str, str] | None:
    """What a field's pattern asks for, by its `x-hint`; None when the form doesn't say."""
    node = root
    for part in path:
        node = inside(root, node, part)
    words = node.get("x-hint")
    return words if isinstance(words, dict) else None


def dotted(path: list[str | int]) -> str:
    """A path as rules write it: `budget.lines[2].amount`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _pointed(root: Schema, reference: str) -> Any:  # noqa: ANN401 - any JSON
    if reference == "#":
        return root
    if not reference.startswith("#/"):
        return None
    node: Any = root
    for raw in reference[2:].split("/"):
        key = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and key in node:
            node = node[key]
        elif isinstance(node, list) and key.isdecimal() and int(key) < len(node):
            node = node[int(key)]
        else:
            return None
    return node
