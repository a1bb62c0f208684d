"""The demo: the whole of the 2023 call on a simulated clock, in a database of its own."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from grantflow import embedded, logs
from grantflow.app import open_app
from grantflow.cli.output import console, write, write_json
from grantflow.cli.year_page import year_page
from grantflow.definitions import definition_files
from grantflow.demo import Story, play
from grantflow.domain.calendar import day
from grantflow.rooms import room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grantflow.settings import Settings

CALL = "imdi-2023-tillegg"
DATABASE = "grantflow_demo"
_FIRST, _LAST = datetime(2023, 8, 10, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)


def run_demo(
    settings: Settings, applications: int, seed: int, until: datetime | None, *, keep: bool, as_json: bool
) -> None:
    """Play the year, and say what came of it. `until` is the first instant that is not played."""
    story = Story(applications, seed, until)
    logs.set_up(settings.log_level, settings.log_format)
    address = settings.database_url or embedded.start(settings.home)
    embedded.drop(address, DATABASE)
    place = embedded.database(address, DATABASE)
    files = definition_files(room("workflows") / "calls" / CALL)
    with open_app(dataclasses.replace(settings, database_url=place)) as opened:
        with _progress() as watch:
            year = play(opened, files, story, watch)
        if as_json:
            write_json(msgspec.structs.replace(year.summary, database=embedded.described(place)))
        else:
            year_page(console(), opened, year)
    if not keep:
        embedded.drop(address, DATABASE)
    elif not as_json:
        look = f"GRANTFLOW_DATABASE={DATABASE} grantflow"
        write(f"Kept. Look on with `{look} case list` or `{look} case history {CALL}-0001`.\n")


@contextmanager
def _progress() -> Iterator[Callable[[datetime], None]]:
    """A bar over the year, for people at a terminal."""
    terminal = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        task = progress.add_task("Playing the year", total=(_LAST - _FIRST) / timedelta(seconds=1))

        def watch(now: datetime) -> None:
            done = (now - _FIRST) / timedelta(seconds=1)
            progress.update(task, completed=done, description=f"Playing the year: {day(now)}")

        yield watch
