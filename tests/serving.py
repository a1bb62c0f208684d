"""The HTTP service in this process, on a database of a test's own, and tokens for whoever is to ask it."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import jwt
from conftest import ledger_keys
from given import START
from litestar.testing import TestClient

from grantflow.app import App
from grantflow.identity import Authenticator, BuiltIn
from grantflow.settings import Settings
from grantflow.web.app import PREFIX, service

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime
    from pathlib import Path

    from httpx import Response
    from litestar import Litestar

    from grantflow.store import Store

__all__ = ["PREFIX", "Serving", "bearer", "service_on"]

_ALGORITHM = "EdDSA"


class Serving(NamedTuple):
    """The service as it runs in a test: what it stands on, the ASGI application, a client, whoever gives tokens."""

    app: App
    asgi: Litestar
    client: TestClient[Litestar]
    issuer: BuiltIn

    def token(
        self, person: str, roles: str | Collection[str], organisation: str, scopes: Collection[str] = ()
    ) -> str:
        """A token of the built-in issuer; where it would give none, to an integration without scopes, one like it."""
        held = [roles] if isinstance(roles, str) else list(roles)
        if "integration" in held and not scopes:
            return self._without_scopes(self.issuer.issue(person, held, organisation, ["read"]))
        return self.issuer.issue(person, held, organisation, scopes)

    def get(self, path: str, token: str = "", **given: Any) -> Response:
        """Ask for what stands at a path under /api/v1, by the caller whose token it is."""
        return self.client.get(f"{PREFIX}{path}", headers=bearer(token), **given)

    def post(self, path: str, token: str = "", body: Any = None, **given: Any) -> Response:
        """Say something to a path under /api/v1."""
        return self.client.post(f"{PREFIX}{path}", headers=bearer(token), json=body or {}, **given)

    def catch_up(self) -> None:
        """Let the read models see all that is written."""
        self.app.projector.catch_up()

    def _without_scopes(self, token: str) -> str:
        claims = jwt.decode(token, options={"verify_signature": False})
        headers = {"kid": jwt.get_unverified_header(token)["kid"]}
        return jwt.encode({**claims, "scope": ""}, self.issuer._key(), algorithm=_ALGORITHM, headers=headers)


def bearer(token: str, **more: str) -> dict[str, str]:
    """The headers of somebody who shows a token; of nobody, where it is empty."""
    return {**({"Authorization": f"Bearer {token}"} if token else {}), **more}


@contextmanager
def service_on(
    store: Store, home: Path, *, clock: Callable[[], datetime] = lambda: START, **options: Any
) -> Iterator[Serving]:
    """Serve from a store while the block runs; `home` is a folder for the issuer's key, `clock` tells the instant."""
    settings = Settings.from_env({"GRANTFLOW_HOME": str(home)})
    app = App.on(store, ledger_keys())
    with closing(app.accesses):
        asgi = service(app, Authenticator.on(settings), clock=clock, **options)
        with TestClient(asgi, raise_server_exceptions=False) as client:
            yield Serving(app, asgi, client, BuiltIn.on(settings))
