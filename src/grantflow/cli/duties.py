"""The command that shows who keeps which duty, and how it goes."""

from __future__ import annotations

from datetime import datetime

import msgspec

from grantflow.cli.asking import Json
from grantflow.cli.opening import opened
from grantflow.cli.output import write_list
from grantflow.domain.calendar import clock

EXAMPLES = "Example: grantflow duties --json"


def duties(*, as_json: Json = False) -> None:
    """Show who keeps which duty and since when, its last run and its next, how far behind it is, its last error."""
    with opened() as app:
        rows = [msgspec.structs.asdict(standing) for standing in app.duties()]
    if not as_json:
        rows = [
            {field: clock(told) if isinstance(told, datetime) else told for field, told in row.items()}
            for row in rows
        ]
    write_list(rows, as_json=as_json)
