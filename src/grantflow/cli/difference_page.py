"""What changed in a case, as people read it: fields before and after, and the events that changed them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from grantflow.cli.output import plain_table
from grantflow.domain.calendar import clock
from grantflow.domain.money import kr
from grantflow.sayings import saying

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from grantflow.domain.difference import Change
    from grantflow.domain.event import Entry


def difference_page(out: Console, changes: Sequence[Change], between: Sequence[Entry]) -> None:
    """Print the fields that differ, and the events in between."""
    if not between:
        out.print("Nothing happened.")
        return
    fields = plain_table("What changed", "field", "before", "after")
    for change in changes:
        name = change.path.removesuffix("_ore").replace("_", " ")
        fields.add_row(name, _shown(change.path, change.before), _shown(change.path, change.after))
    if changes:
        out.print(fields)
    events = plain_table("By these events", "when", "who", "role", "what")
    for entry in between:
        stamp = entry.event.stamp
        events.add_row(clock(stamp.recorded_at), stamp.person, stamp.role, saying(entry.event))
    out.print(events)


def _shown(path: str, value: Any) -> str:  # noqa: ANN401 - any JSON
    """A field's plain JSON value: amounts in kroner, instants by the clock in Oslo."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() if path.endswith("_ore"):
            return kr(value)
        case str() if _is_instant(value):
            return clock(datetime.fromisoformat(value))
    return str(value)


def _is_instant(text: str) -> bool:
    """Whether it is what an instant looks like in JSON: a date, a time and an offset."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
