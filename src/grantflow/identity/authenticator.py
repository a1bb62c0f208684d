"""Tells who is asking from the token that they show: the one way in for everybody who comes over HTTP."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import structlog

from grantflow.identity import fetching
from grantflow.identity.built_in import ISSUER, BuiltIn
from grantflow.identity.claims import identity
from grantflow.identity.fetching import NotFetched
from grantflow.identity.issuers import read_issuers
from grantflow.identity.keys import Keys, usable
from grantflow.identity.pseudonyms import Pseudonyms
from grantflow.identity.remembered import Remembered
from grantflow.identity.secret_file import secret
from grantflow.identity.unverified import LARGEST, Unverified, insist_on_size
from grantflow.identity.verifying import verify
from grantflow.identity.who import Reason, Unauthenticated
from grantflow.settings import BadSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from grantflow.identity.issuer import Issuer
    from grantflow.identity.who import Identity
    from grantflow.settings import Settings

PSEUDONYM_KEY = "pseudonym.key"
"""The file of the pseudonyms' secret in the home folder."""
_log = structlog.get_logger(__name__)


class Trusted(NamedTuple):
    """An issuer and its keys."""

    issuer: Issuer
    keys: Keys


class Authenticator:
    """The trusted issuers, their keys, and the tokens seen a moment ago. Safe between threads.

    `sources` gives each issuer's key set; `clock` counts the seconds that keys and tokens are remembered for.
    `built_in` tells whether the built-in issuer serves, which is for trying things out.
    """

    def __init__(
        self,
        sources: Iterable[tuple[Issuer, Callable[[], Any]]],
        pseudonyms: Pseudonyms,
        *,
        built_in: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.built_in = built_in
        self._pseudonyms = pseudonyms
        self._remembered = Remembered(clock)
        self._trusted = {
            issuer.iss: Trusted(issuer, Keys(issuer.iss, source, issuer.algorithms, clock))
            for issuer, source in sources
        }

    @classmethod
    def on(cls, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> Self:
        """The issuers of GRANTFLOW_ISSUERS, or the built-in one where it is unset. BadSettings when the file is wrong.

        Fetches nothing yet; files are made when they aren't there (the built-in key, the pseudonyms' secret).
        """
        file = settings.issuers
        if file is None:
            trusted = [(ISSUER, _built_in(BuiltIn(settings.home)))]
        else:
            trusted = [(issuer, _source(issuer, file)) for issuer in read_issuers(file)]
        path = settings.pseudonym_key or settings.home / PSEUDONYM_KEY
        pseudonyms = Pseudonyms(secret(path, "GRANTFLOW_PSEUDONYM_KEY"))
        return cls(trusted, pseudonyms, built_in=file is None, clock=clock)

    def identify(self, token: str) -> Identity:
        """Who shows this token. Unauthenticated when it does not hold, which is logged here, and only here."""
        trusted: Trusted | None = None
        try:
            insist_on_size(token)
            known = self._remembered.get(token)
            if known is not None:
                return known
            said = Unverified.read(token)
            trusted = self._of(said)
            return self._verified(token, said, trusted)
        except Unauthenticated as refusal:
            _log.info(
                "token-refused", reason=refusal.reason.code, issuer=trusted.issuer.iss if trusted else None
            )
            raise

    def remembered(self, token: str) -> Identity | None:
        """Who showed this token a moment ago, when it held; it waits for nothing."""
        return self._remembered.get(token) if len(token) <= LARGEST and token.isascii() else None

    def _of(self, said: Unverified) -> Trusted:
        try:
            return self._trusted[said.issuer]
        except KeyError:
            raise Unauthenticated(Reason.UNKNOWN_ISSUER) from None

    def _verified(self, token: str, said: Unverified, trusted: Trusted) -> Identity:
        claims = verify(token, said, trusted.issuer, trusted.keys)
        who = identity(claims, trusted.issuer, self._pseudonyms)
        self._remembered.keep(token, who, claims["exp"] - time.time())
        return who


def _built_in(issuer: BuiltIn) -> Callable[[], Any]:
    """Where the built-in issuer's key comes from. BadSettings when its file is none now; later that is lived with."""
    issuer.key_set()

    def source() -> Any:  # noqa: ANN401 - any JSON
        try:
            return issuer.key_set()
        except BadSettings as error:
            raise NotFetched(error.detail) from error

    return source


def _source(issuer: Issuer, file: Path) -> Callable[[], Any]:
    """Where the issuer's keys come from. BadSettings when that is a file without any that can be used."""
    if not issuer.jwks:
        return partial(fetching.from_discovery, issuer.iss)
    if fetching.is_address(issuer.jwks):
        return partial(fetching.from_address, issuer.jwks)
    source = partial(fetching.from_file, Path(issuer.jwks))
    try:
        found = usable(source(), issuer.algorithms)
    except NotFetched as error:
        msg = f"{file.name}: the keys of {issuer.iss}, {issuer.jwks}: {error}."
        raise BadSettings(msg) from error
    if not found:
        msg = (
            f"{file.name}: {issuer.jwks} holds no key that can be used for {issuer.iss}: each has a 'kid', and is "
            f"RSA of 2048 bits or more, EC on P-256 or OKP on Ed25519, for {', '.join(issuer.algorithms)}."
        )
        raise BadSettings(msg)
    return source
