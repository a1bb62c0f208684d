"""Whoever comes with a forged or a broken token is nobody, and the log says so once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from forged import forged
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from realm import DIRECTORATE, MUNICIPALITY, Realm, b64, sealed
from structlog.testing import capture_logs

from grantflow.identity import Authenticator, Identity, Unauthenticated
from grantflow.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Realm:
    return Realm(tmp_path_factory.mktemp("realm"))


@pytest.fixture(scope="module")
def authenticator(realm: Realm) -> Authenticator:
    return authenticating(realm.file)


def authenticating(file: Path) -> Authenticator:
    said = {"GRANTFLOW_ISSUERS": str(file), "GRANTFLOW_HOME": str(file.parent / "home")}
    return Authenticator.on(Settings.from_env(said))


def refused(authenticator: Authenticator, token: str) -> Unauthenticated:
    """The refusal, of which the log has one line that says why, and nothing of the token."""
    with capture_logs() as logged, pytest.raises(Unauthenticated) as refusal:
        authenticator.identify(token)
    (line,) = logged
    assert line.keys() == {"event", "reason", "issuer", "log_level"}
    assert (line["event"], line["reason"]) == ("token-refused", refusal.value.reason.code)
    assert (refusal.value.code, refusal.value.status) == ("unauthenticated", 401)
    return refusal.value


def test_what_the_forgeries_are_made_from_is_accepted(realm: Realm, authenticator: Authenticator) -> None:
    for kind, algorithm in (("ed", "EdDSA"), ("ec", "ES256"), ("rsa", "RS256"), ("rsa", "PS256")):
        assert authenticator.identify(realm.people.token(kind, algorithm)).organisation == MUNICIPALITY
    assert authenticator.identify(realm.other.token()).roles == ("applicant",)
    assert authenticator.identify(realm.machine.token()).organisation == DIRECTORATE
    assert authenticator.identify(
        realm.people.token(aud=["https://annet.example", realm.people.claims()["aud"]])
    )


def test_no_forged_token_is_accepted(realm: Realm, authenticator: Authenticator) -> None:
    accepted = {}
    told = []
    names = []
    for name, token in forged(realm):
        names.append(name)
        with capture_logs() as logged:
            try:
                accepted[name] = authenticator.identify(token)
            except Unauthenticated as refusal:
                told.append(refusal.detail)
        assert [line["event"] for line in logged] == ["token-refused"], name
        told.append(repr(logged))
        assert not any(part in " ".join(told[-2:]) for part in token.split(".") if len(part) > 12), name
    assert accepted == {}
    assert len(names) == len(set(names)) > 150


REASONS = {
    "algorithm 'none' with a signature": "algorithm",
    "HS256 with the public key as the secret (PEM)": "algorithm",
    "HMAC called RS256 (PEM)": "signature",
    "PS256 called RS256": "signature",
    "ES384 called ES256": "signature",
    "EdDSA under the name of an RSA key": "unknown-key",
    "kid: another issuer's": "unknown-key",
    "signed by another trusted issuer": "signature",
    "jwk, signed by an attacker": "brings-a-key",
    "crit ['exp']": "header",
    "expired": "expired",
    "not yet valid": "not-yet-valid",
    "issued in the future": "not-yet-valid",
    "without exp": "claim-missing",
    "made to last a day and a minute": "lifetime",
    "iss of a stranger": "unknown-issuer",
    "iss of another trusted issuer": "unknown-key",
    "another tenant's own token": "unknown-issuer",
    "aud of another service": "audience",
    "without sub": "person",
    "organisation with a wrong check digit": "organisation",
    "consumer of another authority": "organisation",
    "consumer with another prefix": "organisation",
    "a role that means nothing here": "role",
    "the clock": "role",
    "a directorate's role for a municipality": "role",
    "the payload exchanged": "signature",
    "in five parts, none empty": "malformed",
    "payload: sub twice": "malformed",
    "payload: nested beyond reason": "malformed",
    "huge": "too-large",
}


def test_each_is_refused_for_what_is_wrong_with_it(realm: Realm, authenticator: Authenticator) -> None:
    tokens = dict(forged(realm))
    assert {name: refused(authenticator, tokens[name]).reason.code for name in REASONS} == REASONS


def test_the_log_names_the_issuer_only_when_it_is_a_trusted_one(
    realm: Realm, authenticator: Authenticator
) -> None:
    for token, issuer in (
        (realm.stranger.token(), None),
        (realm.people.token(exp=1, iat=0), realm.people.iss),
    ):
        with capture_logs() as logged, pytest.raises(Unauthenticated):
            authenticator.identify(token)
        assert logged[0]["issuer"] == issuer


def test_what_the_caller_is_told_is_general(realm: Realm, authenticator: Authenticator) -> None:
    refusal = refused(authenticator, realm.people.token(iat=1, exp=2))
    assert refusal.detail == "The token is not accepted: expired."


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANYTHING = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
CLAIMS = (
    "iss",
    "aud",
    "sub",
    "exp",
    "nbf",
    "iat",
    "jti",
    "organisation",
    "roles",
    "scope",
    "consumer",
    "azp",
    "client_id",
)


@effort(max_examples=150, deadline=None)
@given(
    token=st.text(max_size=200)
    | st.text("abcAZ09-_.=", max_size=200)
    | st.binary().map(lambda raw: f"{b64(raw)}.{b64(raw)}.{b64(raw)}")
)
def test_no_text_at_all_is_more_than_refused(authenticator: Authenticator, token: str) -> None:
    refused(authenticator, token)


@effort(max_examples=150, deadline=None)
@given(
    header=st.dictionaries(
        st.sampled_from(("alg", "kid", "typ", "cty", "crit", "b64", "jwk", "zip")), ANYTHING, min_size=1
    )
)
def test_no_header_is_more_than_refused(
    realm: Realm, authenticator: Authenticator, header: dict[str, Any]
) -> None:
    whole = {**realm.people.header("ed", "EdDSA"), **header}
    token = sealed(json.dumps(whole).encode(), realm.people.claims(), realm.people.key("ed"))
    nobody_or_somebody(authenticator, token)


@effort(max_examples=300, deadline=None)
@given(claims=st.dictionaries(st.sampled_from(CLAIMS), ANYTHING, min_size=1), programs=st.booleans())
def test_no_claims_are_more_than_refused(
    realm: Realm, authenticator: Authenticator, claims: dict[str, Any], *, programs: bool
) -> None:
    made = realm.machine if programs else realm.people
    nobody_or_somebody(authenticator, made.signed({**made.claims(), **claims}))


def nobody_or_somebody(authenticator: Authenticator, token: str) -> None:
    """Either the token identifies somebody who can be, or it is refused; nothing else comes of it."""
    try:
        who = authenticator.identify(token)
    except Unauthenticated:
        return
    assert isinstance(who, Identity)
    assert who.organisation in (MUNICIPALITY, DIRECTORATE)
    assert set(who.roles) <= {"applicant", "integration"}
    assert who.person.removeprefix("client:").startswith("p-")
    assert 0 < len(who.client) <= 200
