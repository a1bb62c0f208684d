"""The commands about names: record what names a person, show it, list whose are known, erase it for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from grantflow.cli.asking import Json, Key, Org, Person, circumstances, text_of
from grantflow.cli.opening import opened, rows
from grantflow.cli.output import write, write_json, write_list, write_one
from grantflow.domain.calendar import clock
from grantflow.domain.errors import NotFound

if TYPE_CHECKING:
    from grantflow.app import App

people = typer.Typer(
    no_args_is_help=True, help="What names a person, kept beside the log, and erased by its key."
)
Pseudonym = Annotated[str, typer.Argument(help="The person's pseudonym, as it stands in events.")]
_KNOWN = (
    "SELECT DISTINCT facts->>'person' AS person FROM audit_trail "
    "WHERE topic = 'person-named@1' ORDER BY facts->>'person'"
)


@people.command(
    epilog="Examples: grantflow people name imdi-decider-1 --name - --as imdi-lead --org 987879696 / "
    "grantflow people name imdi-decider-1 --name 'Kari Nordmann' --as imdi-lead --org 987879696"
)
def name(
    who: Pseudonym,
    named: Annotated[
        str,
        typer.Option(
            "--name", help="The name, or - to read it from standard input, so that no shell remembers it."
        ),
    ],
    person: Person,
    org: Org,
    key: Key = "",
    *,
    as_json: Json = False,
) -> None:
    """Record what names a person, sealed under a key of their own; another name takes the place of the first."""
    from grantflow.naming import WHO

    written = text_of("-") if named == "-" else named
    with opened() as app:
        receipt = app.service.people.name(who, written, circumstances(person, WHO, org, key))
    write_one(receipt, as_json=as_json)


@people.command(epilog="Example: grantflow people show imdi-decider-1")
def show(who: Pseudonym, *, as_json: Json = False) -> None:
    """Show what names a person, since when; or when it was erased, and on what grounds."""
    with opened() as app:
        if not app.service.states.person(who).version:
            msg = f"No name is recorded for {who[:80]!r}. `grantflow people list` tells whose are."
            raise NotFound(msg)
        told = _told(app, [who])[0]
    if as_json:
        write_json(told)
        return
    for field, value in _shown(told).items():
        write(f"{field:<9}  {value or ''}\n")


@people.command("list", epilog="Example: grantflow people list --json")
def list_all(*, as_json: Json = False) -> None:
    """List everybody a name was ever recorded for: the name where it is known, and when it was erased."""
    with opened() as app:
        found = _told(app, [row["person"] for row in rows(app, _KNOWN)])
    if as_json:
        write_list(found, as_json=True)
    else:
        write_list([_shown(one) for one in found], as_json=False, nothing="Nobody is named (people name).")


@people.command(
    epilog="Example: grantflow people erase imdi-decider-1 --grounds 'Personvernforordningen artikkel 17, brev av "
    "3. mai.' --as imdi-lead --org 987879696"
)
def erase(
    who: Pseudonym,
    grounds: Annotated[str, typer.Option(help="Why; it stays for good, so it names nobody.")],
    person: Person,
    org: Org,
    key: Key = "",
    *,
    as_json: Json = False,
) -> None:
    """Erase what names a person, for good, by destroying the key; what the pseudonym decided and approved stays.

    Backups and copies of the database hold the key for as long as they are kept.
    """
    from grantflow.naming import WHO

    with opened() as app:
        receipt = app.service.people.erase(who, grounds, circumstances(person, WHO, org, key))
    write_one(receipt, as_json=as_json)


def _told(app: App, persons: list[str]) -> list[dict[str, Any]]:
    names = app.service.people.names(persons)
    known = [app.service.states.person(person) for person in persons]
    return [
        {
            "person": one.person,
            "name": names.get(one.person),
            "since": one.named_at,
            "erased": one.erased_at,
            "grounds": one.grounds or None,
        }
        for one in known
    ]


def _shown(told: dict[str, Any]) -> dict[str, Any]:
    instants = {field: clock(told[field]) if told[field] else None for field in ("since", "erased")}
    return {**told, **instants}
