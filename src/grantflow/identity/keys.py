"""The keys of one issuer: fetched when needed, kept for minutes, and asked for again when a token names a new one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import jwt
import structlog

from grantflow.identity.fetching import NotFetched
from grantflow.identity.unverified import NO_KID
from grantflow.identity.who import Reason, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

LOOK = 5 * 60
"""Seconds after which whoever comes first looks again, while the others go on."""
FRESH = 9 * 60
"""Seconds after which nobody goes on before somebody has looked again.

A token is remembered for a minute more, so a key that was taken away works for ten at most.
"""
STALE = 24 * 60 * 60
"""Seconds that keys are used for when looking again fails."""
BETWEEN = 10
"""Seconds between two attempts, whatever the tokens say."""
SMALLEST_RSA = 2048
_FITS = {("RSA", None): ("RS256", "PS256"), ("EC", "P-256"): ("ES256",), ("OKP", "Ed25519"): ("EdDSA",)}
_PUBLIC = ("kty", "crv", "n", "e", "x", "y")

Held = dict[tuple[str, str], jwt.PyJWK]
_log = structlog.get_logger(__name__)


class Keys:
    """One issuer's public keys, by their `kid` and the algorithm they are used with. Safe between threads.

    `source` gives a JSON Web Key Set, or raises NotFetched; `clock` counts seconds.
    """

    def __init__(
        self,
        issuer: str,
        source: Callable[[], Any],
        algorithms: Collection[str],
        clock: Callable[[], float],
    ) -> None:
        self._issuer = issuer
        self._source = source
        self._algorithms = algorithms
        self._clock = clock
        self._fetching = threading.Lock()
        self._held: Held | None = None
        self._fetched = 0.0
        self._tried: float | None = None
        self._failing = False

    def get(self, kid: str, algorithm: str) -> jwt.PyJWK:
        """The key of that name, fit for that algorithm. Unauthenticated when there is none."""
        age = self._clock() - self._fetched
        if self._held is None or age > FRESH:
            self._fetch(wait=not self._failing)
        elif age > LOOK:
            self._fetch(wait=False)
        key = self._known(kid, algorithm)
        if key is None:
            self._fetch(wait=not self._failing)
            key = self._known(kid, algorithm)
        if key is None:
            raise Unauthenticated(Reason.KEYS_UNAVAILABLE if self._held is None else Reason.UNKNOWN_KEY)
        return key

    def _known(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        held = self._held
        return held.get((kid, algorithm)) if held else None

    def _fetch(self, *, wait: bool) -> None:
        """Look at the source again, unless somebody just did; with `wait`, somebody who is looking is waited for."""
        if not self._fetching.acquire(blocking=wait):
            return
        try:
            now = self._clock()
            if self._tried is None or now - self._tried >= BETWEEN:
                self._tried = now
                self._look(now)
        finally:
            self._fetching.release()

    def _look(self, now: float) -> None:
        try:
            self._held = usable(self._source(), self._algorithms)
        except NotFetched as error:
            self._failing = True
            age = now - self._fetched
            if self._held is not None and age > STALE:
                self._held = None
            kept = "keys of before are used" if self._held else "no keys"
            seconds = round(age) if self._held is not None else None
            _log.warning(
                "issuer-keys-not-fetched", issuer=self._issuer, error=str(error), kept=kept, age_s=seconds
            )
        else:
            self._fetched, self._failing = now, False


def usable(found: Any, algorithms: Collection[str]) -> Held:  # noqa: ANN401 - any JSON
    """The keys of a set that can be used, leaving out those that can't. NotFetched when it is no key set.

    A key that is alone in its set goes without a name too: then a token need not say which (OpenID Connect Core 1.0,
    section 10.1).
    """
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list):
        msg = "what came is not a JSON Web Key Set"
        raise NotFetched(msg)
    named: Held = {}
    for data in keys:
        if isinstance(data, dict) and _is_for_signatures(data):
            for algorithm in _fitting(data, algorithms):
                key = _key(data, algorithm)
                if key is not None:
                    named.setdefault((data.get("kid", NO_KID), algorithm), key)
    if len(keys) == 1:
        return named | {(NO_KID, algorithm): key for (_, algorithm), key in named.items()}
    return {place: key for place, key in named.items() if place[0] != NO_KID}


def _is_for_signatures(data: Mapping[str, Any]) -> bool:
    operations = data.get("key_ops", ["verify"])
    return (
        isinstance(data.get("kid", NO_KID), str)
        and data.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    )


def _fitting(data: Mapping[str, Any], algorithms: Collection[str]) -> list[str]:
    """The algorithms that the key's type fits, or the one it says it is for."""
    kind = data.get("kty")
    curve = None if kind == "RSA" else data.get("crv")
    if not isinstance(kind, str) or not isinstance(curve, str | None):
        return []
    fitting = _FITS.get((kind, curve), ())
    return [name for name in fitting if name in algorithms and data.get("alg", name) == name]


def _key(data: Mapping[str, Any], algorithm: str) -> jwt.PyJWK | None:
    """The public part of the key; None when it is broken or too short."""
    try:
        key = jwt.PyJWK({name: data[name] for name in _PUBLIC if name in data}, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return None if data["kty"] == "RSA" and key.key.key_size < SMALLEST_RSA else key
