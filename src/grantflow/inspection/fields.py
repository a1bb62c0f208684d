"""Whether a dotted path leads to a field of a form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.domain.schema import inside, resolved
from grantflow.inspection.finding import nearest

if TYPE_CHECKING:
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
