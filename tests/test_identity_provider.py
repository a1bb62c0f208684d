"""Somebody signs in at an OpenID provider that is not ours, in a process of its own, and is known here by the token."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from grantflow.identity import Authenticator, Unauthenticated
from grantflow.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

PROVIDER = str(Path(sys.executable).parent / "oidc-provider-mock")
SUB, ORGNR = "kari@example.no", "958935420"
KARI = {"sub": SUB, "orgnr": ORGNR, "groups": ["tilskudd-leder"]}
CLIENT, BACK = "grantflow-portal", "http://127.0.0.1/signed-in"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """Run the provider; gives its address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [PROVIDER, "--port", str(port), "--user-claims", json.dumps(KARI)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, running)
        yield address
    finally:
        running.terminate()
        running.wait(20)


def _wait_for(address: str, running: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert running.poll() is None, "the provider ended"
        try:
            httpx.get(f"{address}/.well-known/openid-configuration", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the provider did not come up")


@pytest.fixture
def issuers(provider: str, tmp_path: Path) -> Path:
    """Give the file that trusts the provider."""
    file = tmp_path / "issuers.toml"
    file.write_text(f"""
        [[issuers]]
        iss = "{provider}"
        discovery = true
        audience = "{CLIENT}"
        algorithms = ["RS256"]
        claims = {{ organisation = "orgnr", roles = "groups" }}
        roles = {{ tilskudd-leder = "director" }}
    """)
    return file


def sign_in(provider: str, sub: str, client_id: str = CLIENT) -> dict[str, str]:
    """Sign in with the authorisation-code flow; gives what the token endpoint answers."""
    with httpx.Client(trust_env=False) as browser:
        told = browser.get(f"{provider}/.well-known/openid-configuration").json()
        asked = {
            "client_id": client_id,
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": "openid",
            "state": "s-1",
            "nonce": "n-1",
        }
        answer = browser.post(told["authorization_endpoint"], params=asked, data={"sub": sub})
        back = parse_qs(urlsplit(answer.headers["location"]).query)
        assert back["state"] == ["s-1"]
        exchange = {
            "grant_type": "authorization_code",
            "code": back["code"][0],
            "redirect_uri": BACK,
            "client_id": client_id,
            "client_secret": "anything",
        }
        given: dict[str, str] = browser.post(told["token_endpoint"], data=exchange).raise_for_status().json()
        return given


def test_whoever_signs_in_there_is_known_here_by_a_pseudonym(
    provider: str, issuers: Path, tmp_path: Path
) -> None:
    said = {"GRANTFLOW_ISSUERS": str(issuers), "GRANTFLOW_HOME": str(tmp_path / "home")}
    authenticator = Authenticator.on(Settings.from_env(said))
    given = sign_in(provider, SUB)
    who = authenticator.identify(given["id_token"])
    assert (who.issuer, who.organisation, who.roles) == (provider, ORGNR, ("director",))
    assert who.person.startswith("p-")
    assert "kari" not in repr(who)
    assert authenticator.identify(sign_in(provider, SUB)["id_token"]) == who
    with pytest.raises(Unauthenticated, match="not a signed JSON Web Token"):
        authenticator.identify(given["access_token"])


def test_a_sign_in_to_another_service_or_of_somebody_without_a_role_is_not_enough(
    provider: str, issuers: Path, tmp_path: Path
) -> None:
    said = {"GRANTFLOW_ISSUERS": str(issuers), "GRANTFLOW_HOME": str(tmp_path / "home")}
    authenticator = Authenticator.on(Settings.from_env(said))
    with pytest.raises(Unauthenticated, match="another service"):
        authenticator.identify(sign_in(provider, SUB, "another-portal")["id_token"])
    with pytest.raises(Unauthenticated, match="organisation"):
        authenticator.identify(sign_in(provider, "per@example.no")["id_token"])
