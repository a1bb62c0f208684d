"""An issuer that is trusted here, and how the claims in its tokens are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

ALGORITHMS = ("EdDSA", "ES256", "PS256", "RS256")
"""The algorithms there are. None of them works with a shared secret, and each needs a signature."""
CLAIMS = {"person": "sub", "organisation": "", "roles": "roles", "client": "", "scopes": "scope"}
"""Which claims are read, by where they stand unless the issuer's are elsewhere."""
MACHINE_CLAIMS = {"person": "client_id", "organisation": "consumer", "client": "client_id", "scopes": "scope"}
"""The same for programs, as Maskinporten has them."""


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """One trusted issuer.

    `jwks` is the address or the path of its keys; empty when its discovery document names them. `claims` tells where
    what stands; `organisation` is for all its people, empty when a claim tells. Roles and scopes are what its own words
    mean here. Where `directorate` is set, only people of those organisations get the directorate's roles.
    """

    iss: str
    audience: tuple[str, ...]
    algorithms: tuple[str, ...] = ALGORITHMS
    jwks: str = ""
    require_typ: str = ""
    machine: bool = False
    person_is_pseudonym: bool = False
    claims: Mapping[str, str]
    roles: Mapping[str, str] = {}
    scopes: Mapping[str, str] = {}
    organisation: str = ""
    organisations: frozenset[str] | None = None
    directorate: frozenset[str] | None = None

    def claim(self, name: str, claims: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
        """What stands where this issuer has such a claim; None when nothing does.

        A path leads through objects by their keys, and through a list when it has one entry only: with several it is
        not clear which is meant.
        """
        path = self.claims.get(name)
        if not path:
            return None
        if path in claims:
            return claims[path]
        found: Any = claims
        for key in path.split("."):
            while isinstance(found, list) and len(found) == 1:
                found = found[0]
            if not isinstance(found, dict):
                return None
            found = found.get(key)
        return found
