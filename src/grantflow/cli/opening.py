"""Opens what a command works on: the settings from the environment, the log, and the database."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from grantflow.domain.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.app import App
    from grantflow.settings import Settings


def settings() -> Settings:
    """The settings, from the environment."""
    from grantflow.settings import Settings

    return Settings.from_env(os.environ)


@contextmanager
def opened() -> Iterator[App]:
    """Everything on the database that the settings name."""
    from grantflow import logs
    from grantflow.app import open_app

    chosen = settings()
    logs.set_up(chosen.log_level, chosen.log_format)
    with open_app(chosen) as app:
        yield app


def rows(app: App, query: str, **parameters: object) -> list[dict[str, Any]]:
    """Rows of the read models, once they have seen every event."""
    app.projector.catch_up()
    return app.projector.rows(query, parameters)


def case_id(app: App, case: str) -> UUID:
    """A case by its identifier, or by its number such as imdi-2023-tillegg-0001."""
    try:
        return UUID(case)
    except ValueError:
        found = rows(app, "SELECT case_id FROM case_list WHERE number = %(case)s", case=case)
    if not found:
        msg = f"There is no case {case[:80]!r}. `grantflow case list` names those there are."
        raise NotFound(msg)
    known: UUID = found[0]["case_id"]
    return known
