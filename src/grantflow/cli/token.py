"""The command that gives a token of the built-in issuer, for trying the service out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from grantflow.cli.asking import Json, Org, Person, unknown
from grantflow.cli.opening import settings
from grantflow.cli.output import write, write_json
from grantflow.domain.errors import BadRequest
from grantflow.domain.roles import CALLERS

EXAMPLES = (
    "Examples: grantflow token --as kari --role applicant --org 958935420 / grantflow token --as case-archive --role "
    "integration --scope read --scope events --org 987879696"
)
MOST_HOURS = 24


def token(
    person: Person,
    role: Annotated[list[str], typer.Option(help="In which role, such as case-officer; again for another.")],
    org: Org,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="For the role integration: read, write or events; again for another."),
    ] = None,
    hours: Annotated[int, typer.Option(min=1, max=MOST_HOURS, help="How many hours it lasts.")] = 8,
    *,
    as_json: Json = False,
) -> None:
    """Print a token for the HTTP service, from the issuer that is built in for trying things out.

    It is refused where real issuers are configured (GRANTFLOW_ISSUERS). Whoever has the token is that person.
    """
    from grantflow import logs
    from grantflow.identity import BuiltIn

    chosen = settings()
    logs.set_up(chosen.log_level, chosen.log_format)
    issuer = BuiltIn.on(chosen)
    for name in role:
        if name not in CALLERS:
            raise BadRequest(unknown("role", name, CALLERS))
    lifetime = timedelta(hours=hours)
    until = datetime.now(UTC) + lifetime
    issued = issuer.issue(person, role, org, scope or (), lifetime)
    if as_json:
        write_json({"token": issued, "expires_at": until.replace(microsecond=0)})
    else:
        write(issued + "\n")
