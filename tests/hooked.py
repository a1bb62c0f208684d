"""A service with subscribers: the 2023 call published, cases in it, and a deliverer whose turns a test takes."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from given import IMDI
from steps import call_2023
from variants import by_lead, prepared

from grantflow.accesses import AccessLog
from grantflow.service import Service
from grantflow.store import Store
from grantflow.webhooks import Asked, Deliverer, Subscriptions, Targets
from grantflow.webhooks.subscriptions import Owner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from given import Step

    from grantflow.webhooks.subscriber import SubscriberView

HERE = ("127.0.0.0/8",)


class Desk:
    """Where a test registers subscribers, lets things happen, and lets them be sent."""

    def __init__(self, store: Store, **options: Any) -> None:
        self.store = store
        self.service = Service(store)
        self.start = store.last_position()
        self.accesses = AccessLog(store)
        self.targets = options.pop("targets", None) or Targets(HERE)
        self.hooks = Subscriptions(store, self.service.states, self.targets)
        self.told: list[str] = []
        self.deliverer = self.another(**options)

    def another(self, **options: Any) -> Deliverer:
        """One more deliverer on the same store."""
        return Deliverer(
            self.store,
            self.service.states,
            self.accesses,
            self.targets,
            told=lambda _, reason, __: self.told.append(reason),
            **options,
        )

    def owner(self, organisation: str = IMDI, role: str = "integration") -> Owner:
        return Owner("arkiv", organisation, role)

    def subscribe(
        self, url: str, organisation: str = IMDI, role: str = "integration", **asked: Any
    ) -> SubscriberView:
        wished = Asked(url, **{"after": self.start, **asked})
        return self.hooks.add(wished, self.owner(organisation, role), now())

    def show(self, which: UUID) -> SubscriberView:
        return self.hooks.show(which, "")

    def cases(self, many: int, *steps: Step) -> list[UUID]:
        return prepared(self.store, call_2023(), many, *steps)

    def until(self, done: Callable[[], bool], seconds: float = 10.0, **ahead: float) -> None:
        """Take turns until something is so, each so much later than the one before; fails when time runs out."""
        give_up, later = time.monotonic() + seconds, timedelta()
        while not done():
            assert time.monotonic() < give_up, [str(one) for one in self.hooks.list("")]
            self.deliverer.turn(now() + later)
            later += timedelta(**ahead)
            time.sleep(0.02)

    def turn(self, at: datetime) -> datetime | None:
        """Take one turn at an instant, and wait for what it has begun."""
        upcoming = self.deliverer.turn(at)
        assert self.deliverer.settle()
        return upcoming

    def rows(self, query: str, *parameters: object) -> list[Any]:
        with self.store.connection() as connection:
            return connection.execute(query.encode(), parameters).fetchall()


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def published(database_url: str) -> Iterator[Store]:
    """A store with the 2023 call, published."""
    with Store(database_url) as store:
        Service(store).calls.publish(call_2023().files, by_lead("publish"))
        yield store


@contextmanager
def desk_on(store: Store, **options: Any) -> Iterator[Desk]:
    """A desk with nobody subscribed; afterwards nobody is either. Whoever subscribes gets what happens from here on."""
    desk = Desk(store, **options)
    try:
        with closing(desk.accesses), closing(desk.deliverer):
            yield desk
    finally:
        with store.connection() as connection:
            connection.execute("DELETE FROM webhook_subscribers")
