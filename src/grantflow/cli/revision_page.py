"""Shows people what a revision of a call changes, and which running cases it leaves under the old rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.cli.opening import rows
from grantflow.cli.output import plain_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from grantflow.app import App
    from grantflow.domain.call import Call
    from grantflow.domain.difference import Change

_RUNNING = """
    SELECT number, case_id::text AS id, area, state, definition FROM case_list
    WHERE call = %(call)s AND definition <> %(digest)s ORDER BY number
"""
_MOVE = "move-to-revision"


def other_registers(before: Call, newest: Call) -> bool:
    """Whether a register says something else, which a list of changes only tells by how many lines it has."""
    return any(text != before.files.get(name) for name, text in newest.files.items() if "registers/" in name)


def touched(app: App, newest: Call) -> list[dict[str, Any]]:
    """The running cases that keep another definition than this, and whether each could be moved to it."""
    running = []
    for row in rows(app, _RUNNING, call=newest.id, digest=newest.digest):
        process = app.service.states.call(newest.id, row["definition"]).process
        if not process.states[row["state"]].final:
            target = process.target(_MOVE, row["state"])
            there = newest.process.within(row["area"]).states
            running.append({**row, "can_be_moved": target is not None and target in there})
    return running


def revision_page(console: Console, changes: Sequence[Change], running: Sequence[dict[str, Any]]) -> None:
    """Print the revision for people."""
    table = plain_table("What changes", "what", "before", "after")
    for change in changes:
        table.add_row(change.path, _shown(change.before), _shown(change.after))
    console.print(table if changes else "Nothing changes.")
    if not (changes or running):
        return
    cases = plain_table(
        "Running cases, which keep the rules they began under", "case", "state", "can be moved"
    )
    for row in running:
        cases.add_row(row["number"], row["state"], "yes" if row["can_be_moved"] else "no")
    console.print(cases if running else "No running case is under other rules.")


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict) and "message" in value:
        return f"{value['message'].get('en', value['message']['nb'])}  [{value.get('require', '')}]"
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


_LONGEST = 300
