"""Tokens that were found to hold a moment ago, by their SHA-256, so that the next request costs microseconds."""

from __future__ import annotations

import threading
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantflow.identity.who import Identity

MOST = 4096
"""How many tokens are remembered."""
LONGEST = 60.0
"""Seconds that a token is remembered at most."""


class Remembered:
    """Whom tokens identified. Only what was verified gets in, so nobody can crowd the others out with rubbish."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[bytes, tuple[float, Identity]] = {}

    def get(self, token: str) -> Identity | None:
        """Whom the token identified, when that was a moment ago."""
        until, identity = self._known.get(_digest(token), (0.0, None))
        return identity if self._clock() < until else None

    def keep(self, token: str, identity: Identity, seconds: float) -> None:
        """Remember whom it identifies, for that long at most."""
        until = self._clock() + min(seconds, LONGEST)
        with self._lock:
            self._known.pop(_digest(token), None)
            if len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[_digest(token)] = (until, identity)


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
