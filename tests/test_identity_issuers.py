"""The file of trusted issuers: what it can say, and that everything wrong in it is said before anybody gets in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from realm import AUDIENCE, DIRECTORATE, Realm, jwk, key_set, machine, people

from grantflow.identity import Authenticator
from grantflow.identity.issuers import read_issuers
from grantflow.settings import BadSettings, Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Realm:
    return Realm(tmp_path_factory.mktemp("realm"))


def refused(realm: Realm, lines: str) -> str:
    """What is said about a file with these lines."""
    file = realm.file.with_name("wrong.toml")
    file.write_text(lines, encoding="utf-8")
    with pytest.raises(BadSettings) as refusal:
        authenticating(file)
    return refusal.value.detail


def authenticating(file: Path) -> Authenticator:
    said = {"GRANTFLOW_ISSUERS": str(file), "GRANTFLOW_HOME": str(file.parent / "home")}
    return Authenticator.on(Settings.from_env(said))


def test_what_is_not_said_is_as_usual(realm: Realm) -> None:
    ours, _, programs = read_issuers(realm.file)
    assert ours.algorithms == ("EdDSA", "ES256", "PS256", "RS256")
    assert ours.audience == (AUDIENCE,)
    assert ours.jwks == str(realm.file.parent / "people.json")
    assert (ours.claims["person"], ours.claims["roles"]) == ("sub", "roles")
    assert ours.organisations is None
    assert ours.directorate == frozenset({DIRECTORATE})
    assert (programs.claims["person"], programs.claims["organisation"]) == ("client_id", "consumer")
    assert programs.machine


def test_an_address_or_discovery_is_not_asked_before_the_first_token_comes(realm: Realm) -> None:
    file = realm.file.with_name("remote.toml")
    remote = people(realm.people, jwks='"https://login.invalid/jwks"')
    file.write_text(remote + people(realm.other, jwks="", discovery="true", algorithms='["RS256"]'))
    first, second = read_issuers(file)
    assert (first.jwks, second.jwks, second.algorithms) == ("https://login.invalid/jwks", "", ("RS256",))
    assert not authenticating(file).built_in


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "a key that is not known": ({"audiense": '"x"'}, "issuers[1].audiense is not known; there are iss, jwks"),
    "no audience": ({"audience": ""}, "issuers[1].audience must be a text, or a list of texts"),
    "an empty audience": ({"audience": "[]"}, "issuers[1].audience must be"),
    "an audience that is a number": ({"audience": "5"}, "issuers[1].audience must be"),
    "no iss": ({"iss": ""}, "issuers[1].iss must be a text of one line"),
    "an iss with a space after": ({"iss": '"https://a.example "'}, "issuers[1].iss must be"),
    "the built-in's iss": ({"iss": '"urn:grantflow:built-in"'}, "issuers[1].iss begins with urn:grantflow:"),
    "no keys": ({"jwks": ""}, "issuers[1].jwks must say where the keys are"),
    "keys twice": ({"discovery": "true"}, "issuers[1].jwks must say where the keys are"),
    "keys over http": ({"jwks": '"http://login.example/jwks"'}, "an address is https"),
    "keys by another scheme": ({"jwks": '"file:///etc/keys"'}, "an address is https"),
    "discovery without https": (
        {"jwks": "", "discovery": "true", "iss": '"http://login.example"'},
        "issuers[1].discovery needs an iss that is an https address",
    ),
    "discovery of a name": (
        {"jwks": "", "discovery": "true", "iss": '"urn:login"'},
        "issuers[1].discovery needs an iss that is an https address",
    ),
    "discovery in words": ({"discovery": '"yes"'}, "issuers[1].discovery must be true or false"),
    "HS256": ({"algorithms": '["HS256"]'}, "holds 'HS256'; there are EdDSA, ES256, PS256, RS256"),
    "none": ({"algorithms": '["none", "ES256"]'}, "holds 'none'; there are"),
    "no algorithm": ({"algorithms": "[]"}, "issuers[1].algorithms must be"),
    "the clock": (
        {"roles": '{ klokke = "clock" }'},
        "issuers[1].roles.klokke is 'clock'; there are applicant,",
    ),
    "a role that isn't": ({"roles": '{ x = "king" }'}, "issuers[1].roles.x is 'king'; there are applicant,"),
    "a role that is a list": ({"roles": '{ x = ["payer"] }'}, "issuers[1].roles.x is ['payer']; there are"),
    "no roles": ({"roles": ""}, "issuers[1].roles must say which of the issuer's words"),
    "roles in a text": ({"roles": '"payer"'}, "issuers[1].roles must be a table"),
    "a scope that isn't": (
        {"scopes": '{ x = "all" }'},
        "issuers[1].scopes.x is 'all'; there are events, read, write",
    ),
    "a claim that isn't": (
        {"claims": '{ name = "name", organisation = "o" }'},
        "issuers[1].claims.name is not known",
    ),
    "no organisation": (
        {"claims": ""},
        "issuers[1].organisation must be a number for all its people, or else",
    ),
    "organisation twice": ({"organisation": f'"{DIRECTORATE}"'}, "issuers[1].organisation must be a number"),
    "a wrong organisation": (
        {"claims": "", "organisation": '"123456789"'},
        "issuers[1].organisation is '123456789', which is not an organisation number",
    ),
    "a wrong organisation let in": ({"organisations": '["1"]'}, "issuers[1].organisations holds '1', which"),
    "a wrong directorate": ({"directorate": '["1"]'}, "issuers[1].directorate holds '1', which"),
    "a machine in words": ({"machine": '"no"'}, "issuers[1].machine must be true or false"),
    "a client that is the person": (
        {"claims": '{ client = "sub", organisation = "o" }'},
        "issuers[1].claims.client is the claim that names the person",
    ),
    "a file that isn't there": ({"jwks": '"missing.json"'}, "missing.json can't be read: No such file"),
    "a file that is no key set": ({"jwks": '"people.toml"'}, "people.toml"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_with_its_place_and_what_would_be_allowed(realm: Realm, what: str) -> None:
    lines, said = WRONG[what]
    (realm.file.with_name("people.toml")).write_text("keys")
    assert said in refused(realm, people(realm.people, **lines))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ({"roles": '{ x = "payer" }'}, "issuers[1].roles is not known"),
        ({"organisation": f'"{DIRECTORATE}"'}, "issuers[1].organisation is not known"),
        ({"person_is_pseudonym": "true"}, "issuers[1].person_is_pseudonym is not known"),
        (
            {"claims": '{ roles = "roles" }'},
            "issuers[1].claims.roles is not known; there are person, organisation",
        ),
        ({"scopes": ""}, "issuers[1].scopes must say which"),
    ],
)
def test_programs_have_no_roles_and_no_other_organisation_than_their_own(
    realm: Realm, lines: dict[str, str], said: str
) -> None:
    assert said in refused(realm, machine(realm.machine, **lines))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "names no issuer; each is a table [[issuers]]"),
        ("issuers = 5", "issuers must be tables [[issuers]]"),
        ("issuers = [1]", "issuers must be tables [[issuers]]"),
        ("[issuers]\niss = 'x'", "issuers must be tables [[issuers]]"),
        ("[[issuer]]\niss = 'x'", "issuer is not known; there are issuers"),
        ("[[issuers]", "is not TOML"),
        ("a = " + "[" * 5000, "is not TOML"),
    ],
)
def test_a_file_that_names_nobody_lets_nobody_in(realm: Realm, lines: str, said: str) -> None:
    assert said in refused(realm, lines)


def test_everything_that_is_wrong_is_said_at_once(realm: Realm) -> None:
    said = refused(realm, people(realm.people, audience="5") + people(realm.other, roles='{ x = "king" }'))
    assert "issuers[1].audience" in said
    assert "issuers[2].roles.x" in said
    assert said.startswith("GRANTFLOW_ISSUERS, wrong.toml: ")


def test_an_issuer_stands_there_once(realm: Realm) -> None:
    assert "stands there twice" in refused(realm, people(realm.people) * 2)


def test_a_file_of_keys_without_any_that_can_be_used_is_refused(realm: Realm) -> None:
    keys = realm.file.with_name("unfit.json")
    keys.write_text(json.dumps(key_set(jwk("short-1", "short"))))
    said = refused(realm, people(realm.people, jwks='"unfit.json"'))
    assert "RSA of 2048 bits or more" in said


def test_a_file_that_cannot_be_read_does_not_bring_the_built_in_issuer_back(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"missing\.toml, which can't be read: No such file"):
        authenticating(tmp_path / "missing.toml")
    (tmp_path / "latin.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadSettings, match="is not TOML"):
        authenticating(tmp_path / "latin.toml")
