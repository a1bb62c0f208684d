"""Reads the file of the trusted issuers, and says everything that is wrong with it at once."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from grantflow.domain.register import valid_orgnr
from grantflow.domain.roles import CALLERS
from grantflow.identity.fetching import discovery_address, is_address
from grantflow.identity.issuer import ALGORITHMS, CLAIMS, MACHINE_CLAIMS, Issuer
from grantflow.identity.table import Table
from grantflow.identity.who import SCOPES
from grantflow.settings import BadSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OURS = "urn:grantflow:"
"""How the built-in issuer's name begins; no other may be called so."""
_MACHINE = ("iss", "jwks", "discovery", "audience", "algorithms", "require_typ", "machine", "organisations")
_PEOPLE = ("person_is_pseudonym", "organisation", "directorate")
_TABLES = ("claims", "roles", "scopes")


def read_issuers(path: Path) -> tuple[Issuer, ...]:
    """The issuers that the file names, one or more. BadSettings says what is wrong, where, and what may stand there."""
    faults: list[str] = []
    top = Table(_toml(path), "", faults)
    top.only(("issuers",))
    tables = top.tables("issuers")
    if not tables and not faults:
        faults.append("names no issuer; each is a table [[issuers]]")
    issuers = tuple(_issuer(table, path.parent) for table in tables)
    names = [issuer.iss for issuer in issuers if issuer.iss]
    faults += [
        f"issuers: {name!r} stands there twice" for name in sorted({n for n in names if names.count(n) > 1})
    ]
    if faults:
        msg = f"GRANTFLOW_ISSUERS, {path.name}: {'. '.join(faults)}."
        raise BadSettings(msg)
    return issuers


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"GRANTFLOW_ISSUERS names {path}, which can't be read: {error.strerror or error}."
        raise BadSettings(msg) from error
    except (ValueError, RecursionError) as error:
        msg = f"GRANTFLOW_ISSUERS, {path.name}: is not TOML: {error}."
        raise BadSettings(msg) from error


def _issuer(table: Table, folder: Path) -> Issuer:
    machine = table.flag("machine")
    table.only((*_MACHINE, *(("claims", "scopes") if machine else (*_PEOPLE, *_TABLES))))
    iss = table.text("iss", needed=True)
    if iss.startswith(OURS):
        table.fault("iss", f"begins with {OURS}, which is the built-in issuer's")
    claims = _claims(table, MACHINE_CLAIMS if machine else CLAIMS, machine=machine)
    return Issuer(
        iss=iss,
        audience=table.texts("audience", needed=True) or (),
        algorithms=table.texts("algorithms", of=ALGORITHMS) or ALGORITHMS,
        jwks=_jwks(table, iss, folder),
        require_typ=table.text("require_typ"),
        machine=machine,
        person_is_pseudonym=not machine and table.flag("person_is_pseudonym"),
        claims=claims,
        roles={} if machine else table.words("roles", CALLERS, needed=True),
        scopes=table.words("scopes", SCOPES, needed=machine),
        organisation="" if machine else _organisation(table, claims),
        organisations=_organisations(table, "organisations"),
        directorate=None if machine else _organisations(table, "directorate"),
    )


def _jwks(table: Table, iss: str, folder: Path) -> str:
    """The keys' address or absolute path; empty when the discovery document is to be asked."""
    jwks, discovery = table.text("jwks"), table.flag("discovery")
    if bool(jwks) == discovery:
        table.fault("jwks", "must say where the keys are (an address or a file), or else discovery = true")
    if discovery and iss and not is_address(discovery_address(iss)):
        table.fault(
            "discovery", "needs an iss that is an https address (http only for 127.0.0.1 and localhost)"
        )
    if "://" not in jwks:
        return str((folder / jwks).resolve()) if jwks else ""
    if not is_address(jwks):
        table.fault("jwks", f"is {jwks!r}; an address is https (http only for 127.0.0.1 and localhost)")
    return jwks


def _claims(table: Table, usual: Mapping[str, str], *, machine: bool) -> Mapping[str, str]:
    """Where each claim stands: as the file says, else as usual."""
    inner = table.table("claims")
    inner.only(tuple(usual))
    claims = {name: inner.text(name) or path for name, path in usual.items()}
    if not machine and claims["client"] == claims["person"]:
        inner.fault("client", "is the claim that names the person; it is logged, so it must name a program")
    return claims


def _organisation(table: Table, claims: Mapping[str, str]) -> str:
    """The organisation that all its people are of; empty when a claim tells."""
    fixed = table.text("organisation")
    if fixed and not valid_orgnr(fixed):
        table.fault("organisation", f"is {fixed!r}, which is not an organisation number")
    if bool(fixed) == bool(claims["organisation"]):
        table.fault(
            "organisation", "must be a number for all its people, or else claims.organisation a claim"
        )
    return fixed


def _organisations(table: Table, name: str) -> frozenset[str] | None:
    """Organisation numbers; None when nothing is said, which is not the same as nobody."""
    numbers = table.texts(name)
    if numbers is None:
        return None
    for number in numbers:
        if not valid_orgnr(number):
            table.fault(name, f"holds {number!r}, which is not an organisation number")
    return frozenset(numbers)
