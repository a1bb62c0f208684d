"""What the HTTP service is made of, for its handlers: the app, who vouches for callers, the clock, the log's pulse."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore
from typing import TYPE_CHECKING, Any

from litestar import Request
from litestar.di import NamedDependency

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from grantflow.app import App
    from grantflow.identity import Authenticator
    from grantflow.web.pulse import Pulse


AnyRequest = Request[Any, Any, Any]

_FOLLOWING = 4


class House:
    """Everything a handler may use. `clock` gives the instant that counts, in UTC.

    `followers` are the threads that read on for streams: their own few, so that any number of streams that the log
    wakes at once stands in line there, and holds up no request. `asking` is held while an auditor's question is
    answered: it takes the whole log into memory, so that there is one at a time.
    """

    def __init__(
        self, app: App, identities: Authenticator, pulse: Pulse, clock: Callable[[], datetime]
    ) -> None:
        self.app, self.identities, self.pulse, self.clock = app, identities, pulse, clock
        self.asking = Semaphore(1)
        self.followers = ThreadPoolExecutor(_FOLLOWING, "grantflow-followers")


TheHouse = NamedDependency[House]
"""The house, as a handler asks for it."""


def house_of(request: AnyRequest) -> House:
    """The house: provided to handlers, and asked by those that are taken so often that providing costs too much."""
    house: House = request.app.state.house
    return house
