"""The only place where anything is constructed: settings to database, store, service and projector."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from psycopg.conninfo import make_conninfo

from grantflow import embedded
from grantflow.accesses import AccessLog
from grantflow.chores import Chore, Deadlines, Project, Seal
from grantflow.duties import myself, working_as
from grantflow.ledger.book import Ledger
from grantflow.ledger.keys import KeyFile
from grantflow.notifying import Mailer, Notifier, mailer_from
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.rota import DutyStanding, rota
from grantflow.service import Service
from grantflow.store import Store
from grantflow.webhooks import Deliverer, Subscriptions, Targets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from grantflow.settings import Settings


@dataclass(frozen=True)
class App:
    """Everything a face needs, on one database."""

    store: Store
    service: Service
    projector: Projector
    ledger: Ledger
    accesses: AccessLog
    webhooks: Subscriptions
    deliverer: Deliverer
    notifier: Notifier

    @classmethod
    def on(
        cls,
        store: Store,
        keys: Path,
        origin: str = "",
        webhook_allow: Sequence[str] = (),
        mailer: Mailer | None = None,
    ) -> Self:
        """Everything on a store; `keys` is the file of the ledger's private keys, read when something is sealed.

        `webhook_allow` are networks that webhooks may be sent into, beside the world. Without a `mailer`, mails wait.
        """
        service, accesses, targets = Service(store), AccessLog(store), Targets(webhook_allow)
        return cls(
            store,
            service,
            Projector(store, projections()),
            Ledger(store, KeyFile(keys), origin),
            accesses,
            Subscriptions(store, service.states, targets),
            Deliverer(store, service.states, accesses, targets),
            Notifier(service, mailer),
        )

    def chores(self, *, once: bool = False) -> tuple[Chore, ...]:
        """All that a worker does: what leads to events before what follows on them, for `work --once`."""
        return (
            Deadlines(self.service, self.projector, stretches=None if once else 1),
            self.notifier,
            Project(self.projector),
            Seal(self.ledger),
            self.deliverer,
        )

    def duties(self) -> list[DutyStanding]:
        """Who keeps which duty, and how it goes. Unavailable when the database is."""
        lags = {
            Project.name: max((standing.lag for standing in self.projector.standings()), default=0),
            Seal.name: self.ledger.lag(),
        }
        return rota(self.store, [chore.name for chore in self.chores()], lags)


@contextmanager
def open_app(settings: Settings, *, working: bool = False) -> Iterator[App]:
    """Open the database that the settings name, and everything on it; closed again at the end.

    For a worker (`working`) the connections say whose they are, so that others can end what it leaves hanging.
    """
    address = settings.database_url or embedded.database(embedded.start(settings.home), settings.database)
    store = Store(make_conninfo(address, application_name=working_as(myself())) if working else address)
    try:
        keys = settings.ledger_keys or settings.home / "ledger.keys"
        app = App.on(store, keys, settings.ledger_origin, settings.webhook_allow, mailer_from(settings))
        with closing(app.accesses), closing(app.deliverer):
            yield app
    finally:
        store.close()
