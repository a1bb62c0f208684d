"""The commands about read models: how far each has come, make one anew, and compare one with its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from grantflow.cli.asking import Json
from grantflow.cli.opening import opened
from grantflow.cli.output import console, table_of, waiting, write, write_json, write_list
from grantflow.domain.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.app import App

read_models = typer.Typer(no_args_is_help=True, help="The read models that questions are answered from.")
Name = Annotated[str, typer.Argument(help="One read model; all when left out.")]


@read_models.command("list", epilog="Example: grantflow projections list --json")
def list_all(*, as_json: Json = False) -> None:
    """List the read models: the question each answers, its position and lag, and what stopped one, if anything."""
    with opened() as app:
        app.projector.catch_up()
        standings = [msgspec.to_builtins(standing) for standing in app.projector.standings()]
    write_list(standings, as_json=as_json)


@read_models.command(epilog="Example: grantflow projections rebuild case_list")
def rebuild(name: Name = "", *, as_json: Json = False) -> None:
    """Make read models anew from the events, beside the old ones, and put them in place together."""
    with opened() as app:
        names = _named(app, name)
        with waiting(f"{', '.join(names)}: rebuilding"):
            position = app.projector.rebuild(*names)
    if as_json:
        write_json({"items": [{"name": each, "position": position} for each in names], "next": None})
        return
    for each in names:
        write(f"{each}: rebuilt to position {position}\n")


@read_models.command(epilog="Example: grantflow projections check")
def check(name: Name = "", *, as_json: Json = False) -> None:
    """Build a read model anew aside and compare row by row; exit 3 when anything differs."""
    found = {}
    with opened() as app:
        app.projector.catch_up()
        for each in _named(app, name):
            with waiting(f"{each}: comparing"):
                found[each] = [msgspec.to_builtins(row) for row in app.projector.check(each)]
            if not as_json:
                write(f"{each}: {len(found[each]) or 'no'} differences\n")
                if found[each]:
                    console().print(table_of(found[each]))
    if as_json:
        write_json(
            {"items": [{"name": each, "differences": rows} for each, rows in found.items()], "next": None}
        )
    raise SystemExit(3 if any(found.values()) else 0)


def _named(app: App, name: str) -> Sequence[str]:
    known = tuple(app.projector.projections)
    if name and name not in known:
        msg = f"There is no read model {name[:60]!r}. There are: {', '.join(known)}."
        raise NotFound(msg)
    return (name,) if name else known
