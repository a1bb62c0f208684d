"""The command `replay`; what it does is in `replay`, which is heavy."""

from __future__ import annotations

from typing import Annotated

import typer

from grantflow.cli.asking import Json

EXAMPLES = (
    "Examples: grantflow replay --call imdi-2023-tillegg / "
    "grantflow replay --call imdi-2023-tillegg --from 2023-08-21 --until 2023-08-28 --speed 20000"
)


def replay(
    call: Annotated[str, typer.Option(help="The call.")],
    speed: Annotated[
        float, typer.Option(min=0, help="How many times faster than it happened; 0: all of it in 30 seconds.")
    ] = 0,
    since: Annotated[str, typer.Option("--from", help="From this day, or instant, on.")] = "",
    until: Annotated[str, typer.Option(help="To the end of this day, or to this instant.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Play a call's year again, faster than it happened; without waiting where nobody looks at a terminal."""
    from grantflow.cli.replay import run_replay

    run_replay(call, speed, since, until, as_json=as_json)
