"""A token that does not hold opens nothing, and leaves one line in the log and nothing of itself."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from conftest import ledger_keys
from forged import forged
from httpx import Headers
from litestar.testing import TestClient
from realm import Realm
from structlog.testing import capture_logs

from grantflow.app import App
from grantflow.identity import Authenticator
from grantflow.settings import Settings
from grantflow.store import Store
from grantflow.web.app import PREFIX, service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx import Response
    from litestar import Litestar

PATH = f"{PREFIX}/calls"
SOUND_IN_HTTP = {"a space after", "a space before"}
"""Spaces around what a header says are no part of it."""


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Realm:
    return Realm(tmp_path_factory.mktemp("realm"))


@pytest.fixture(scope="module")
def client(realm: Realm, module_database_url: str) -> Iterator[TestClient[Litestar]]:
    """A client of the service, where the realm's issuers are trusted."""
    said = {"GRANTFLOW_ISSUERS": str(realm.file), "GRANTFLOW_HOME": str(realm.file.parent / "home")}
    with Store(module_database_url) as store:
        app = App.on(store, ledger_keys())
        with (
            closing(app.accesses),
            TestClient(service(app, Authenticator.on(Settings.from_env(said)))) as client,
        ):
            yield client


def asked(client: TestClient[Litestar], *credentials: str | bytes, path: str = PATH) -> Response:
    """Ask with these in the header Authorization, each in one of its own."""
    raw = [one if isinstance(one, bytes) else one.encode() for one in credentials]
    return client.get(path, headers=Headers([(b"Authorization", one) for one in raw]))


def is_nobody(answer: Response) -> bool:
    """Whether the answer is the one to nobody: 401, which scheme there is, and a problem document."""
    return (
        answer.status_code == 401
        and answer.headers["WWW-Authenticate"] == 'Bearer realm="grantflow"'
        and answer.headers["Content-Type"] == "application/problem+json"
        and answer.json().keys() == {"type", "title", "status", "detail", "instance", "code"}
        and answer.json()["code"] == "unauthenticated"
    )


def test_no_forged_token_opens_anything_and_each_leaves_one_line(
    realm: Realm, client: TestClient[Litestar]
) -> None:
    accepted, count = set(), 0
    for name, token in forged(realm):
        count += 1
        raw = token.encode("utf-8", "surrogatepass")
        with capture_logs() as logged:
            answer = asked(client, b"Bearer " + raw)
        if answer.status_code == 200:
            accepted.add(name)
            continue
        assert is_nobody(answer), (name, answer)
        assert [line["event"] for line in logged] == ["token-refused", "answered"], name
        told = repr(logged) + answer.text + repr(answer.headers)
        assert not any(part in told for part in token.split(".") if len(part) > 12), name
    assert accepted == SOUND_IN_HTTP
    assert count > 150


def test_the_word_bearer_is_taken_in_any_case(realm: Realm, client: TestClient[Litestar]) -> None:
    for word in ("Bearer", "bearer", "BEARER"):
        assert asked(client, f"{word} {realm.people.token()}").status_code == 200


@pytest.mark.parametrize(
    "scheme", ["", "Basic ", "Token ", "Bearer", "Bearer:", "Bearer\t", "Digest ", "DPoP ", "Bearer\xa0"]
)
def test_another_scheme_is_nobody(scheme: str, realm: Realm, client: TestClient[Litestar]) -> None:
    token = realm.people.token()
    with capture_logs() as logged:
        assert is_nobody(asked(client, f"{scheme}{token}".encode("latin-1")))
    assert [line["event"] for line in logged] == ["token-refused", "answered"]
    assert token not in repr(logged)


def test_nothing_at_all_and_two_of_them_are_nobody(realm: Realm, client: TestClient[Litestar]) -> None:
    sound = f"Bearer {realm.people.token()}"
    for credentials in ((), ("",), (sound, sound), (sound, "Bearer x"), (f"{sound}, {sound}",)):
        with capture_logs() as logged:
            assert is_nobody(asked(client, *credentials)), credentials
        assert [line["event"] for line in logged] == ["token-refused", "answered"]


def test_a_token_elsewhere_is_none_and_is_not_written_down(
    realm: Realm, client: TestClient[Litestar]
) -> None:
    token = realm.people.token()
    for name in ("access_token", "token", "authorization"):
        with capture_logs() as logged:
            asked_for = asked(client, path=f"{PATH}?{name}={token}")
        assert asked_for.status_code in {400, 401}
        assert token not in repr(logged) + asked_for.text
    assert is_nobody(
        client.get(PATH, headers={"Cookie": f"access_token={token}; Authorization=Bearer {token}"})
    )
    posted = client.post(f"{PATH}/x/applications", data={"access_token": token})
    assert is_nobody(posted)


def test_who_asks_is_asked_before_what_they_ask_for(client: TestClient[Litestar]) -> None:
    for path in (f"{PREFIX}/applications/there-is-none", f"{PREFIX}/events", f"{PREFIX}/audit/questions"):
        assert is_nobody(client.get(path))
    assert is_nobody(client.post(f"{PREFIX}/applications/x/steps/edit", content=b"not json"))
