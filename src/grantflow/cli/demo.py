"""The demo: the whole of the 2023 call and a second one on a simulated clock, in a database of its own."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from grantflow import embedded, logs
from grantflow.app import open_app
from grantflow.cli.output import console, waiting, write, write_json
from grantflow.cli.year_page import year_page
from grantflow.definitions import definition_files
from grantflow.demo import Story, audited, play, play_areas
from grantflow.domain.calendar import day
from grantflow.domain.errors import Refused
from grantflow.rooms import room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grantflow.app import App
    from grantflow.settings import Settings

CALL, SECOND_CALL = "imdi-2023-tillegg", "eksempel-2025-omrader"
DATABASE, SECOND_DATABASE = "grantflow_demo", "grantflow_demo_areas"
RIKSREVISJONEN = "974760843"
_FIRST, _LAST = datetime(2023, 8, 10, tzinfo=UTC), datetime(2026, 2, 10, tzinfo=UTC)


class DemoIsPlayed(Refused):
    """Its databases are those of a demo that is being played."""

    code = "demo-is-played"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "A demo is being played on this database server. Wait until it has ended, or name another folder in"
            " GRANTFLOW_HOME (or another server in GRANTFLOW_DATABASE_URL)."
        )


def run_demo(
    settings: Settings, applications: int, seed: int, until: datetime | None, *, keep: bool, as_json: bool
) -> None:
    """Play both calls, each in a database of its own, and say what came of them. `until` is the first not played."""
    logs.set_up(settings.log_level, settings.log_format)
    address = settings.database_url or embedded.start(settings.home)
    with embedded.alone(address, DATABASE) as alone:
        if not alone:
            raise DemoIsPlayed
        _play(settings, address, Story(applications, seed, until), as_json=as_json)
        if not keep:
            for name in (DATABASE, SECOND_DATABASE):
                embedded.drop(address, name)
    if keep and not as_json:
        write(
            f"Kept. Look on with `{_on(DATABASE)} case list`, `{_on(DATABASE)} case history {CALL}-0001`,\n"
        )
        write(f"and at the other call with `{_on(SECOND_DATABASE)} case list`.\n")
        _say_where(settings)


def _play(settings: Settings, address: str, story: Story, *, as_json: bool) -> None:
    with ExitStack() as opened:
        first, second = (
            opened.enter_context(_stage(settings, address, name)) for name in (DATABASE, SECOND_DATABASE)
        )
        with _progress() as watch:
            year = play(first, _files(CALL), story, watch)
            afterword = play_areas(second, _files(SECOND_CALL), story, watch)
        with waiting("Auditing"):
            audits = audited(first), audited(second)
        if as_json:
            described = embedded.described(embedded.database(address, DATABASE))
            other = msgspec.structs.replace(afterword.summary, audit=audits[1])
            write_json(
                msgspec.structs.replace(year.summary, audit=audits[0], second_call=other, database=described)
            )
        else:
            year_page(console(), first, year, afterword, audits)


def _say_where(settings: Settings) -> None:
    """Where to look at it over HTTP, and as whom: with a token, where the built-in issuer gives them."""
    from grantflow.identity import BuiltIn

    write(f"\nServe it with `{_on(DATABASE)} serve`, and open http://127.0.0.1:8000/docs\n")
    if settings.issuers is None:
        token = BuiltIn.on(settings).issue("demo-auditor", ["auditor"], RIKSREVISJONEN)
        write(f"An auditor's token, for eight hours:\n{token}\n")
        write(
            "Try: curl -H 'Authorization: Bearer TOKEN' http://127.0.0.1:8000/api/v1/applications\n"
            "(more in docs/api.md; other tokens: grantflow token --help)\n"
        )


def _files(call: str) -> dict[str, str]:
    return definition_files(room("workflows") / "calls" / call)


def _on(database: str) -> str:
    return f"GRANTFLOW_DATABASE={database} grantflow"


@contextmanager
def _stage(settings: Settings, address: str, name: str) -> Iterator[App]:
    """Lend everything on an empty database of this name."""
    embedded.drop(address, name)
    place = embedded.database(address, name)
    with open_app(dataclasses.replace(settings, database_url=place)) as opened:
        yield opened


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
