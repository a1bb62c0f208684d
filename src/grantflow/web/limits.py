"""How often one may ask: a bucket of tokens for each client, and one for each address, bounded in number."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from grantflow.web.problems import TooMany

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_KNOWN = 50_000
"""Callers remembered at once; the one not seen for longest is forgotten first."""


class Limits:
    """Admits `per_minute` requests from each, evenly, and bursts of a tenth of that (at least ten) at once.

    Counted in each process: a service of N processes admits up to N times as many.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst = per_minute / 60, max(10.0, per_minute / 10)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, who: str) -> None:
        """Count a request; TooMany when they have to wait."""
        if self._rate <= 0:
            return
        with self._lock:
            now = self._clock()
            left, since = self._left.pop(who, (self._burst, now))
            left = min(self._burst, left + (now - since) * self._rate)
            admitted = left >= 1
            self._left[who] = (left - 1 if admitted else left, now)
            if len(self._left) > MOST_KNOWN:
                self._left.popitem(last=False)
        if not admitted:
            msg = f"More than {self._rate * 60:.0f} requests a minute. Nothing was done; wait a second and go on."
            raise TooMany(msg)
