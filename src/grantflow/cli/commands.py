"""The command line: its groups of commands, and how each ends (0 done, 1 refused, 2 wrong usage, 3 a check failed)."""

from __future__ import annotations

import os
import sys
from datetime import date, datetime
from typing import Annotated

import msgspec
import typer

from grantflow import logs
from grantflow.cli.asking import Json, instant
from grantflow.cli.calls import calls
from grantflow.cli.cases import cases
from grantflow.cli.demo import run_demo
from grantflow.cli.opening import opened, settings
from grantflow.cli.output import write_json, write_list
from grantflow.cli.read_models import read_models
from grantflow.demo import Story
from grantflow.domain.calendar import end_of_day
from grantflow.domain.errors import Refused
from grantflow.worker import Worker

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Grant applications from draft to closed case, with a history that proves itself.",
    epilog="Begin with: grantflow demo",
)
app.add_typer(calls, name="call")
app.add_typer(cases, name="case")
app.add_typer(read_models, name="projections")

MOST_APPLICATIONS = 100_000
_INTERRUPTED = 130


def run() -> None:
    """Run one command, and end the process as the contract says."""
    try:
        app()
    except Refused as refusal:
        if "--json" in sys.argv:
            problem = {"code": refusal.code, "status": refusal.status, "detail": refusal.detail}
            write_json({**problem, "failures": refusal.failures})
        sys.stderr.write(f"Refused ({refusal.code}): {refusal.detail}\n")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None
    except BrokenPipeError:  # whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


@app.command("settings", epilog="Example: grantflow settings --json")
def list_settings(*, as_json: Json = False) -> None:
    """List the settings: name, value, where it comes from, what it means. Secrets are masked."""
    write_list([msgspec.to_builtins(row) for row in settings().rows()], as_json=as_json)


@app.command(
    epilog="Examples: grantflow demo --applications 200 --keep / grantflow demo --until 2023-08-28 --json"
)
def demo(
    applications: Annotated[int, typer.Option(min=1, max=MOST_APPLICATIONS, help="How many apply.")] = 40,
    seed: Annotated[int, typer.Option(help="The same seed gives the same events.")] = 2023,
    until: Annotated[str, typer.Option(help="Play no further than the end of this day.")] = "",
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the database, to look on.")] = False,
    as_json: Json = False,
) -> None:
    """Play the 2023 call on a simulated clock, through the real service, and say what came of it."""
    story = Story(applications, seed, _end(until) if until else None)
    run_demo(settings(), story, keep=keep, as_json=as_json)


@app.command(epilog="Example: grantflow work --once")
def work(
    *, once: Annotated[bool, typer.Option("--once", help="Take what is due now, and end.")] = False
) -> None:
    """Keep the deadlines: reminders, lapse, overdue, follow-up. Runs until stopped."""
    chosen = settings()
    with opened() as app:
        logs.set_up(chosen.log_level, chosen.log_format, keeps_running=True)
        worker = Worker(app.service, app.projector)
        if once:
            sys.stdout.write(f"{worker.once()} steps taken.\n")
        else:
            worker.run()


def _end(text: str) -> datetime:
    """The end of a day in Oslo, or the instant itself when one is given."""
    try:
        return end_of_day(date.fromisoformat(text))
    except ValueError:
        return instant(text)
