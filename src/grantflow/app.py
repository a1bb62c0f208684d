"""The only place where anything is constructed: settings to database, store, service and projector."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from grantflow import embedded
from grantflow.accesses import AccessLog
from grantflow.ledger.book import Ledger
from grantflow.ledger.keys import KeyFile
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Service
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
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

    @classmethod
    def on(cls, store: Store, keys: Path, origin: str = "") -> Self:
        """Everything on a store; `keys` is the file of the ledger's private keys, read when something is sealed."""
        ledger = Ledger(store, KeyFile(keys), origin)
        return cls(store, Service(store), Projector(store, projections()), ledger, AccessLog(store))


@contextmanager
def open_app(settings: Settings) -> Iterator[App]:
    """Open the database that the settings name, and everything on it; closed again at the end."""
    address = settings.database_url or embedded.database(embedded.start(settings.home), settings.database)
    store = Store(address)
    try:
        keys = settings.ledger_keys or settings.home / "ledger.keys"
        app = App.on(store, keys, settings.ledger_origin)
        with closing(app.accesses):
            yield app
    finally:
        store.close()
