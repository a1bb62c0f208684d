"""The commands about authority: delegate it in writing, revoke it, say who answers to whom, list what there is."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import typer

from grantflow.cli.asking import Json, Key, Org, Person, circumstances
from grantflow.cli.opening import opened
from grantflow.cli.output import write_list, write_one
from grantflow.domain.calendar import clock
from grantflow.domain.errors import BadRequest
from grantflow.domain.money import kr

authorities = typer.Typer(no_args_is_help=True, help="Who may bind an organisation, and who answers to whom.")
Reference = Annotated[str, typer.Argument(help="The delegation's archive reference.")]


@authorities.command(
    epilog="Examples: grantflow authority delegate IMDi-2023-014 --to imdi-decider-1 --appropriation "
    "'IMDi 2023: utvikling av kommunale integreringstiltak' --limit 3500000.00 --issued-by direktøren "
    "--from 2023-01-01 --until 2023-12-31 --as imdi-lead --org 987879696 / "
    "grantflow authority delegate 'KS 22/118' --scope approval --to 0301-adviser --issued-by kommunedirektøren "
    "--from 2022-01-01 --as 0301-director --org 958935420"
)
def delegate(
    reference: Reference,
    to: Annotated[str, typer.Option(help="To whom: a stable pseudonym, never a name.")],
    issued_by: Annotated[str, typer.Option(help="Which office gave it.")],
    since: Annotated[str, typer.Option("--from", help="The first day it holds.")],
    person: Person,
    org: Org,
    scope: Annotated[
        Literal["budget", "approval"],
        typer.Option(help="To commit an appropriation, or to approve applications."),
    ] = "budget",
    until: Annotated[str, typer.Option(help="The last day it holds.")] = "",
    appropriation: Annotated[str, typer.Option(help="For which appropriation (budget).")] = "",
    call: Annotated[str, typer.Option(help="For one call only (approval).")] = "",
    limit: Annotated[
        str, typer.Option(help="The most that one decision may come to, such as 500000.00.")
    ] = "",
    key: Key = "",
    *,
    as_json: Json = False,
) -> None:
    """Record a written delegation of authority, to somebody else than oneself."""
    from grantflow.delegating import WHO, Delegate

    asked = Delegate(
        reference=reference,
        scope=scope,
        person=to,
        issued_by=issued_by,
        valid_from=_day("--from", since),
        valid_to=_day("--until", until) if until else None,
        appropriation=appropriation,
        call=call,
        limit=limit or None,
    )
    with opened() as app:
        receipt = app.service.authority.delegate(asked, circumstances(person, WHO[scope], org, key))
    write_one(receipt, as_json=as_json)


@authorities.command(
    epilog="Example: grantflow authority revoke IMDi-2023-014 --reason 'Ny stilling.' --as imdi-lead --org 987879696"
)
def revoke(
    reference: Reference,
    reason: Annotated[str, typer.Option(help="Why it holds no longer.")],
    person: Person,
    org: Org,
    scope: Annotated[Literal["budget", "approval"], typer.Option(help="What was delegated.")] = "budget",
    key: Key = "",
    *,
    as_json: Json = False,
) -> None:
    """Revoke a delegation from now on; what was decided under it stays."""
    from grantflow.delegating import WHO

    with opened() as app:
        by = circumstances(person, WHO[scope], org, key)
        receipt = app.service.authority.revoke(reference, reason, by)
    write_one(receipt, as_json=as_json)


@authorities.command(
    epilog="Example: grantflow authority superior imdi-decider-1 imdi-head-1 --as imdi-lead --org 987879696"
)
def superior(
    subordinate: Annotated[str, typer.Argument(help="Who answers.")],
    to: Annotated[str, typer.Argument(help="To whom.")],
    person: Person,
    org: Org,
    key: Key = "",
    *,
    as_json: Json = False,
) -> None:
    """Say whom somebody answers to from now on: who is under a disqualified superior can't decide (fvl § 6)."""
    from grantflow.delegating import WHO

    with opened() as app:
        by = circumstances(person, WHO["budget"], org, key)
        receipt = app.service.authority.name_superior(subordinate, to, by)
    write_one(receipt, as_json=as_json)


@authorities.command("list", epilog="Example: grantflow authority list --org 987879696")
def list_all(org: Org, *, as_json: Json = False) -> None:
    """List an organisation's delegations: reference, what, to whom, how much, when."""
    with opened() as app:
        known = app.service.states.authorities(org)
    rows = [
        {
            "reference": one.reference,
            "scope": one.scope,
            "person": one.person,
            "for": one.appropriation or one.call or "all calls",
            "limit": None if one.limit_ore is None else kr(one.limit_ore),
            "from": str(one.valid_from),
            "to": str(one.valid_to) if one.valid_to else None,
            "revoked": clock(one.revoked_at) if one.revoked_at else None,
            "issued_by": one.issued_by,
            "answers_to": known.lines[one.person][-1].superior if one.person in known.lines else None,
        }
        for one in known.delegations.values()
    ]
    write_list(rows, as_json=as_json, nothing="Nothing is delegated (grantflow authority delegate).")


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        msg = f"{option} {text[:60]!r} is not a day such as 2023-08-28."
        raise BadRequest(msg) from error
