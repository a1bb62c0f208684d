"""Fields of a form by their dotted path: whether there is one, and what its items can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.domain.schema import inside, resolved
from grantflow.inspection.finding import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.schema import Schema


def field_path(path: str, root: Schema) -> str:
    """What is wrong with a dotted path into a form, such as `budget.lines`; empty when nothing is."""
    node: Schema = root
    so_far: list[str] = []
    for part in (part.partition("[")[0] for part in path.split(".")):
        properties: Any = resolved(root, node).get("properties")
        if not isinstance(properties, dict) or part not in properties:
            known = properties if isinstance(properties, dict) else ()
            return f"there is no field '{'.'.join([*so_far, part])}'{nearest(part, known)}"
        node = inside(root, node, part)
        so_far.append(part)
    return ""


def with_choices(root: Schema, node: Schema, path: Sequence[str], choices: Schema) -> Schema:
    """The form with these choices for each item of the list at a path, unless it says itself what they can be."""
    here = resolved(root, node)
    if not path:
        item = inside(root, here, 0)
        return here if "enum" in item else {**here, "items": {**item, **choices}}
    properties = here.get("properties")
    if not isinstance(properties, dict) or path[0] not in properties:
        return here
    inner = with_choices(root, properties[path[0]], path[1:], choices)
    return {**here, "properties": {**properties, path[0]: inner}}
