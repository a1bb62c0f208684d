"""The command line: its groups of commands, and how each ends (0 done, 1 refused, 2 wrong usage, 3 a check failed).

All commands are declared as this is imported, since `--help` tells of all of them. What they do takes much longer to
load (the database, the rules, the ledger): each command imports that itself, when it runs. `test_cli_startup` holds it.
"""

from __future__ import annotations

import sys
from datetime import date, datetime
from typing import Annotated

import msgspec
import typer

from grantflow.cli.asking import Json, instant
from grantflow.cli.audit import audit
from grantflow.cli.authorities import authorities
from grantflow.cli.calls import calls
from grantflow.cli.case_views import cases
from grantflow.cli.contacts import contacts
from grantflow.cli.duties import EXAMPLES as DUTIES
from grantflow.cli.duties import duties as list_duties
from grantflow.cli.ending import REFUSED, endings
from grantflow.cli.importing import EXAMPLES as IMPORTS
from grantflow.cli.importing import bring_in
from grantflow.cli.ledger import ledger
from grantflow.cli.notices import notices
from grantflow.cli.opening import settings
from grantflow.cli.output import write, write_json, write_list
from grantflow.cli.people import people
from grantflow.cli.read_models import read_models
from grantflow.cli.replaying import EXAMPLES, replay
from grantflow.cli.token import EXAMPLES as TOKENS
from grantflow.cli.token import token
from grantflow.cli.webhooks import webhooks
from grantflow.domain.calendar import end_of_day
from grantflow.domain.errors import BadRequest

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Grant applications from draft to closed case, with a history that proves itself.",
    epilog="Begin with: grantflow demo",
)
app.add_typer(calls, name="call")
app.add_typer(cases, name="case")
app.add_typer(authorities, name="authority")
app.add_typer(people, name="people")
app.add_typer(contacts, name="contacts")
app.add_typer(notices, name="notices")
app.add_typer(read_models, name="projections")
app.add_typer(ledger, name="ledger")
app.add_typer(audit, name="audit")
app.add_typer(webhooks, name="webhooks")
app.command(epilog=EXAMPLES)(replay)
app.command(epilog=TOKENS)(token)
app.command("import", epilog=IMPORTS)(bring_in)
app.command("duties", epilog=DUTIES)(list_duties)

MOST_APPLICATIONS = 100_000


def run() -> None:
    """Run one command, and end the process as the contract says."""
    if sys.stdout is None:
        sys.stderr.write(
            "Standard output is closed, so nothing can be answered. Send it to /dev/null instead.\n"
        )
        raise SystemExit(REFUSED)
    with endings(sys.argv[1:]):
        app()


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
    end = _end(until) if until else None
    from grantflow.cli.demo import run_demo

    run_demo(settings(), applications, seed, end, keep=keep, as_json=as_json)


@app.command(epilog="Example: grantflow work --once")
def work(
    *,
    once: Annotated[bool, typer.Option("--once", help="Take what is due now, and end.")] = False,
    as_json: Json = False,
) -> None:
    """Keep the duties: read models, deadlines (reminders, lapse, overdue, follow-up), the seal. Runs until stopped."""
    from grantflow import logs
    from grantflow.app import open_app
    from grantflow.chores import Deadlines
    from grantflow.worker import Worker

    chosen = settings()
    logs.set_up(chosen.log_level, chosen.log_format, keeps_running=True)
    with open_app(chosen, working=True) as app:
        chores = app.chores(once=once)
        worker = Worker(app.store, chores)
        if not once:
            worker.run()
            return
        elsewhere = worker.once()
    taken = sum(chore.taken for chore in chores if isinstance(chore, Deadlines))
    if as_json:
        write_json({"taken": taken, "kept_elsewhere": elsewhere})
    else:
        write(f"{taken} steps taken.\n")
        if elsewhere:
            write(f"Kept by another worker just now: {', '.join(elsewhere)} (grantflow duties).\n")


@app.command(
    epilog="Examples: grantflow serve / grantflow serve --port 8000 --processes 4 / "
    "GRANTFLOW_ISSUERS=issuers.toml GRANTFLOW_DATABASE_URL=postgresql://… grantflow serve --host 0.0.0.0"
)
def serve(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="The port to listen at.")] = 8000,
    processes: Annotated[int, typer.Option(min=1, max=64, help="How many processes answer.")] = 1,
    *,
    duties: Annotated[
        bool | None,
        typer.Option(
            "--duties/--no-duties",
            help="Keep the duties of `grantflow work` here too; unless said, on the embedded database only.",
        ),
    ] = None,
) -> None:
    """Serve the HTTP interface until stopped; what it is stands at /docs."""
    from grantflow import logs
    from grantflow.web.server import run as run_service

    chosen = settings()
    logs.set_up(chosen.log_level, chosen.log_format, keeps_running=True)
    keep = not chosen.database_url if duties is None else duties
    run_service(chosen, host=host, port=port, processes=processes, duties=keep)


def _end(text: str) -> datetime:
    """The end of a day in Oslo, or the instant itself when one is given."""
    try:
        return end_of_day(date.fromisoformat(text))
    except ValueError:
        return instant(text)
    except OverflowError as error:
        msg = f"--until {text}: no calendar goes on after that day."
        raise BadRequest(msg) from error
