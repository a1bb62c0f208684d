"""A process as Mermaid text, for pages that draw it themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.domain.process import BEGINNING

if TYPE_CHECKING:
    from grantflow.drawing.picture import Picture


def mermaid(picture: Picture) -> str:
    """The picture as a Mermaid state diagram; the states a case has been in carry the class `passed`."""
    lines = ["---", f'title: "{_text(picture.title)}"', "---", "stateDiagram-v2"]
    for box in picture.boxes:
        if box.id != BEGINNING:
            lines.append(f'    state "{_text(box.name)}" as {_id(box.id)}')
            if box.within:
                lines.append(f"    {_id(box.id)} : {_text(', '.join(box.within))}")
    for way in picture.ways:
        origin = "[*]" if way.origin == BEGINNING else _id(way.origin)
        lines.append(f"    {origin} --> {_id(way.target)} : {_text('; '.join(way.steps))}")
    lines += [f"    {_id(box.id)} --> [*]" for box in picture.boxes if box.final]
    passed = [_id(box.id) for box in picture.boxes if box.passed and box.id != BEGINNING]
    if passed:
        lines += [
            "    classDef passed stroke-width:4px,font-weight:bold",
            f"    class {','.join(passed)} passed",
        ]
    return "\n".join(lines) + "\n"


def _id(state: str) -> str:
    return state.replace("-", "_")


def _text(text: str) -> str:
    """Mermaid ends a label at a colon, a semicolon or a quotation mark."""
    return text.replace(";", ",").replace(":", "#58;").replace('"', "'")
