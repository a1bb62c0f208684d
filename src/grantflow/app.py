"""The only place where anything is constructed: settings to database, store, service and projector."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grantflow import embedded
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Service
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.settings import Settings


@dataclass(frozen=True)
class App:
    """Everything a face needs, on one database."""

    store: Store
    service: Service
    projector: Projector


@contextmanager
def open_app(settings: Settings) -> Iterator[App]:
    """Open the database that the settings name, and everything on it; closed again at the end."""
    address = settings.database_url or embedded.database(embedded.start(settings.home), settings.database)
    store = Store(address)
    try:
        yield App(store, Service(store), Projector(store, projections()))
    finally:
        store.close()
