"""From a token's claims to who is asking: the pseudonym, the organisation, the roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.domain.register import valid_orgnr
from grantflow.domain.roles import DIRECTORATE, MACHINES
from grantflow.identity.pseudonyms import is_name, is_pseudonym
from grantflow.identity.who import Identity, Reason, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grantflow.identity.issuer import Issuer
    from grantflow.identity.pseudonyms import Pseudonyms

LONGEST_IDENTIFIER = 1000
LONGEST_CLIENT = 200
_AUTHORITY, _PREFIX = "iso6523-actorid-upis", "0192:"
"""How ISO 6523 says that a number is from Enhetsregisteret."""


def identity(claims: Mapping[str, Any], issuer: Issuer, pseudonyms: Pseudonyms) -> Identity:
    """Who is asking. Unauthenticated when the claims don't say so in a way that this issuer is trusted with."""
    organisation = _organisation(claims, issuer)
    roles = ("integration",) if issuer.machine else _roles(claims, issuer, organisation)
    person = _person(claims, issuer, pseudonyms)
    scopes = _scopes(claims, issuer) if "integration" in roles else frozenset[str]()
    return Identity(
        person=person,
        organisation=organisation,
        roles=roles,
        scopes=scopes,
        issuer=issuer.iss,
        client=_client(claims, issuer) or person,
    )


def _person(claims: Mapping[str, Any], issuer: Issuer, pseudonyms: Pseudonyms) -> str:
    told = issuer.claim("person", claims)
    if not isinstance(told, str) or not 0 < len(told) <= LONGEST_IDENTIFIER or not told.isprintable():
        raise Unauthenticated(Reason.PERSON)
    if issuer.person_is_pseudonym:
        if not is_pseudonym(told):
            raise Unauthenticated(Reason.PERSON)
        return told
    pseudonym = pseudonyms.of(issuer.iss, told)
    return f"client:{pseudonym}" if issuer.machine else pseudonym


def _organisation(claims: Mapping[str, Any], issuer: Issuer) -> str:
    told = issuer.organisation or issuer.claim("organisation", claims)
    if isinstance(told, dict):
        told = _by_iso_6523(told)
    elif issuer.machine:
        told = None
    if not isinstance(told, str) or not valid_orgnr(told):
        raise Unauthenticated(Reason.ORGANISATION)
    if issuer.organisations is not None and told not in issuer.organisations:
        raise Unauthenticated(Reason.ORGANISATION)
    return told


def _by_iso_6523(told: dict[str, Any]) -> str | None:
    number = told.get("ID")
    if told.get("authority") != _AUTHORITY or not isinstance(number, str) or not number.startswith(_PREFIX):
        return None
    return number.removeprefix(_PREFIX)


def _roles(claims: Mapping[str, Any], issuer: Issuer, organisation: str) -> tuple[str, ...]:
    """The roles that the issuer's words mean here, each once; its other words mean nothing."""
    given = {issuer.roles[word] for word in _words(issuer.claim("roles", claims)) if word in issuer.roles}
    if issuer.directorate is not None and organisation not in issuer.directorate:
        given -= DIRECTORATE - MACHINES
    if not given:
        raise Unauthenticated(Reason.ROLE)
    return tuple(sorted(given))


def _scopes(claims: Mapping[str, Any], issuer: Issuer) -> frozenset[str]:
    told = issuer.claim("scopes", claims)
    words = told.split(" ") if isinstance(told, str) else _words(told)
    return frozenset(issuer.scopes[word] for word in words if word in issuer.scopes)


def _words(told: Any) -> list[str]:  # noqa: ANN401 - any JSON
    """A claim that is one word or a list of them."""
    words = told if isinstance(told, list) else [] if told is None else [told]
    if not all(isinstance(word, str) for word in words):
        raise Unauthenticated(Reason.CLAIM)
    return words


def _client(claims: Mapping[str, Any], issuer: Issuer) -> str | None:
    """The program that asks, where the token tells and it is fit to be logged."""
    told = [issuer.claim("client", claims), claims.get("azp"), claims.get("client_id")]
    return next((name for name in told if isinstance(name, str) and is_name(name, LONGEST_CLIENT)), None)
