"""Who is asking: what a sound token says, under which pseudonym, and the issuer that is built in for trying out."""

from __future__ import annotations

import base64
import json
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from realm import AUDIENCE, DIRECTORATE, ISO_6523, MUNICIPALITY, Made, Realm, people
from spoken import Answer, speaking
from structlog.testing import capture_logs

from grantflow.domain.circumstances import Circumstances
from grantflow.domain.errors import BadRequest
from grantflow.domain.roles import CALLERS
from grantflow.identity import Authenticator, BuiltIn, Identity, Unauthenticated
from grantflow.identity.built_in import RealIssuer
from grantflow.identity.pseudonyms import Pseudonyms, is_pseudonym
from grantflow.identity.remembered import MOST, Remembered
from grantflow.settings import BadSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IDENTITY_NUMBER = "15076500565"
"""With right check digits, from Skatteetaten's own example."""


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Realm:
    return Realm(tmp_path_factory.mktemp("realm"))


@pytest.fixture(scope="module")
def authenticator(realm: Realm) -> Authenticator:
    return Authenticator.on(settings(realm.file.parent / "home", realm.file))


def settings(home: Path, issuers: Path | None = None, **other: str) -> Settings:
    said = {"GRANTFLOW_HOME": str(home), "GRANTFLOW_ISSUERS": str(issuers or ""), **other}
    return Settings.from_env(said)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_person_is_a_pseudonym_for_an_organisation_in_roles(
    realm: Realm, authenticator: Authenticator
) -> None:
    who = authenticator.identify(realm.people.token(roles=["soker", "leder", "noe annet"], azp="portalen"))
    assert who.person.startswith("p-")
    assert len(who.person) == 22
    assert "kari" not in who.person
    expected = Identity(
        person=who.person,
        organisation=MUNICIPALITY,
        roles=("applicant", "director"),
        scopes=frozenset(),
        issuer=realm.people.iss,
        client="portalen",
    )
    assert who == expected


def test_a_program_is_for_the_organisation_that_maskinporten_vouches_for(
    realm: Realm, authenticator: Authenticator
) -> None:
    who = authenticator.identify(realm.machine.token(scope="tilskudd:les annet:les"))
    assert who.person.startswith("client:p-")
    assert (who.organisation, who.roles, who.client) == (DIRECTORATE, ("integration",), "arkivet")
    assert who.scopes == {"read"}


def test_a_program_without_a_scope_that_means_anything_may_do_nothing(
    realm: Realm, authenticator: Authenticator
) -> None:
    assert authenticator.identify(realm.machine.token(scope="annet:les")).scopes == frozenset()
    assert authenticator.identify(realm.machine.token(scope=None)).scopes == frozenset()


def test_the_directorates_roles_are_for_its_own_people(realm: Realm, authenticator: Authenticator) -> None:
    both = ["soker", "sak"]
    theirs = authenticator.identify(realm.people.token(roles=both))
    ours = authenticator.identify(realm.people.token(roles=both, organisation=DIRECTORATE))
    assert (theirs.roles, ours.roles) == (("applicant",), ("applicant", "case-officer"))


def test_what_a_token_says_can_stand_in_an_event(realm: Realm, authenticator: Authenticator) -> None:
    for token in (realm.people.token(sub=IDENTITY_NUMBER), realm.machine.token(client_id="æ" * 600)):
        who = authenticator.identify(token)
        Circumstances(
            at=datetime.now(UTC),
            person=who.person,
            organisation=who.organisation,
            role=who.roles[0],
            channel="http",
            command="c",
        )
        assert IDENTITY_NUMBER not in repr(who)


def test_a_client_that_is_not_fit_for_a_log_is_called_by_the_pseudonym(
    realm: Realm, authenticator: Authenticator
) -> None:
    for azp in (None, "", "a\nb", IDENTITY_NUMBER, "x" * 201, 5):
        who = authenticator.identify(realm.people.token(azp=azp))
        assert who.client == who.person


def test_a_token_is_good_for_ten_seconds_more_because_clocks_differ(
    realm: Realm, authenticator: Authenticator
) -> None:
    at = int(time.time())
    assert authenticator.identify(realm.people.token(iat=at - 100, exp=at - 5))
    assert authenticator.identify(realm.people.token(iat=at + 5, nbf=at + 5, exp=at + 60))


def only(folder: Path, lines: str, made: Made) -> Authenticator:
    """An authenticator that trusts this issuer alone, as these lines say."""
    (folder / f"{made.name}.json").write_text(json.dumps(made.key_set))
    (folder / "issuers.toml").write_text(lines)
    return Authenticator.on(settings(folder / "home", folder / "issuers.toml"))


ANY = Made("https://login.example/any", "any", {"sub": "kari@example.no", "roles": "soker"})


def test_a_directorates_own_provider_needs_no_claim_for_the_organisation(tmp_path: Path) -> None:
    lines = people(ANY, claims="", organisation=f'"{DIRECTORATE}"', require_typ='"at+jwt"')
    authenticator = only(tmp_path, lines, ANY)
    token = ANY.signed(ANY.claims(organisation=MUNICIPALITY), typ="application/AT+JWT")
    assert authenticator.identify(token).organisation == DIRECTORATE
    with pytest.raises(Unauthenticated, match="another type"):
        authenticator.identify(ANY.token())


def test_claims_stand_where_the_file_says(tmp_path: Path) -> None:
    where = (
        '{ person = "https://example.no/id", organisation = "authorization_details.parties.orgno", '
        'roles = "access.roles", client = "app.id" }'
    )
    authenticator = only(tmp_path, people(ANY, claims=where), ANY)
    party = {"orgno": {"authority": ISO_6523, "ID": f"0192:{MUNICIPALITY}"}}
    said: dict[str, Any] = {
        "sub": None,
        "roles": None,
        "https://example.no/id": "kari",
        "authorization_details": [{"parties": [party]}],
        "access": {"roles": ["soker"]},
        "app": {"id": "portalen"},
    }
    who = authenticator.identify(ANY.token(**said))
    assert (who.organisation, who.roles, who.client) == (MUNICIPALITY, ("applicant",), "portalen")
    with pytest.raises(Unauthenticated, match="organisation"):
        authenticator.identify(ANY.token(**{**said, "authorization_details": [{"parties": [party, party]}]}))


def test_only_the_organisations_that_are_let_in_get_in(tmp_path: Path) -> None:
    authenticator = only(tmp_path, people(ANY, organisations=f'["{DIRECTORATE}"]'), ANY)
    assert authenticator.identify(ANY.token(organisation=DIRECTORATE))
    with pytest.raises(Unauthenticated):
        authenticator.identify(ANY.token(organisation=MUNICIPALITY))


def test_an_issuers_own_pseudonyms_are_kept_where_they_are_some(tmp_path: Path) -> None:
    authenticator = only(tmp_path, people(ANY, person_is_pseudonym="true"), ANY)
    assert authenticator.identify(ANY.token(sub="ansatt-17", organisation=MUNICIPALITY)).person == "ansatt-17"
    ours = Pseudonyms(b"x" * 32).of("https://login.example", "per")
    for sub in (IDENTITY_NUMBER, f"nr {IDENTITY_NUMBER}", "x" * 101, "a\tb", ours, f"client:{ours}"):
        with pytest.raises(Unauthenticated, match="who is asking"):
            authenticator.identify(ANY.token(sub=sub, organisation=MUNICIPALITY))


def test_a_pseudonym_is_the_same_each_time_and_another_elsewhere(realm: Realm, tmp_path: Path) -> None:
    token, again = realm.people.token(), realm.people.token(jti="again")
    here = Authenticator.on(settings(tmp_path / "here", realm.file)).identify(token).person
    assert Authenticator.on(settings(tmp_path / "here", realm.file)).identify(again).person == here
    key = {"GRANTFLOW_PSEUDONYM_KEY": str(tmp_path / "here" / "pseudonym.key")}
    assert Authenticator.on(settings(tmp_path / "moved", realm.file, **key)).identify(token).person == here
    assert Authenticator.on(settings(tmp_path / "there", realm.file)).identify(token).person != here
    same_login = realm.other.token(sub="kari@example.no")
    assert Authenticator.on(settings(tmp_path / "here", realm.file)).identify(same_login).person != here
    assert is_pseudonym("kari")
    assert not is_pseudonym(here)


def test_the_secret_is_its_owners_alone_and_two_processes_agree_on_it(realm: Realm, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: Authenticator.on(settings(tmp_path, realm.file)), range(8)))
    assert len({one.identify(realm.people.token()).person for one in made}) == 1
    file = tmp_path / "pseudonym.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["pseudonym.key"]
    assert len(base64.b64decode(file.read_text())) == 32


@pytest.mark.parametrize("held", [b"", b"short", b"\xff\xfe", base64.b64encode(b"x" * 31)])
def test_a_secret_that_is_none_is_refused_without_repeating_it(
    realm: Realm, tmp_path: Path, held: bytes
) -> None:
    (tmp_path / "pseudonym.key").write_bytes(held)
    with pytest.raises(BadSettings, match=r"GRANTFLOW_PSEUDONYM_KEY.*32 random bytes") as refusal:
        Authenticator.on(settings(tmp_path, realm.file))
    assert not held or repr(held)[2:-1] not in refusal.value.detail


def test_a_token_seen_a_moment_ago_is_not_verified_again(
    realm: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    authenticator = Authenticator.on(settings(realm.file.parent / "home", realm.file), clock=clock)
    token = realm.people.token()
    who = authenticator.identify(token)
    monkeypatch.setattr("grantflow.identity.authenticator.verify", lambda *_: pytest.fail("verified again"))
    clock.seconds += 59
    assert authenticator.identify(token) is who
    clock.seconds += 2
    with pytest.raises(pytest.fail.Exception):
        authenticator.identify(token)


def test_a_token_is_not_remembered_beyond_its_end(realm: Realm) -> None:
    clock = Clock()
    authenticator = Authenticator.on(settings(realm.file.parent / "home", realm.file), clock=clock)
    at = int(time.time())
    token = realm.people.token(iat=at - 100, exp=at - 5)
    assert authenticator.identify(token) is not authenticator.identify(token)


def test_no_more_tokens_are_remembered_than_there_is_room_for() -> None:
    clock = Clock()
    remembered = Remembered(clock)
    who = Identity(
        person="p", organisation=MUNICIPALITY, roles=(), scopes=frozenset(), issuer="i", client="c"
    )
    for number in range(MOST + 1):
        remembered.keep(str(number), who, 60)
    assert remembered.get("0") is None
    assert remembered.get(str(MOST)) is who
    assert len(remembered._known) == MOST


def test_without_issuers_the_built_in_one_serves(tmp_path: Path) -> None:
    token = BuiltIn(tmp_path).issue("kari", ["applicant", "director"], MUNICIPALITY)
    authenticator = Authenticator.on(settings(tmp_path))
    assert authenticator.built_in
    who = authenticator.identify(token)
    assert (who.person, who.organisation, who.roles) == ("kari", MUNICIPALITY, ("applicant", "director"))
    assert (who.issuer, who.client, who.scopes) == ("urn:grantflow:built-in", "kari", frozenset())
    assert stat.S_IMODE((tmp_path / "issuer.key").stat().st_mode) == 0o600


def test_a_token_of_another_data_folder_is_not_accepted(tmp_path: Path) -> None:
    token = BuiltIn(tmp_path / "there").issue("kari", ["applicant"], MUNICIPALITY)
    with pytest.raises(Unauthenticated):
        Authenticator.on(settings(tmp_path / "here")).identify(token)


def test_a_spoilt_key_file_ends_the_start_but_not_the_service(tmp_path: Path) -> None:
    token = BuiltIn(tmp_path).issue("kari", ["applicant"], MUNICIPALITY)
    authenticator = Authenticator.on(settings(tmp_path))
    (tmp_path / "issuer.key").write_text("spoilt")
    with pytest.raises(Unauthenticated, match="right now"):
        authenticator.identify(token)
    with pytest.raises(BadSettings, match="built-in issuer's key"):
        Authenticator.on(settings(tmp_path))


def test_with_real_issuers_the_built_in_one_is_off(realm: Realm, tmp_path: Path) -> None:
    token = BuiltIn(tmp_path).issue("kari", ["auditor"], DIRECTORATE)
    chosen = settings(tmp_path, realm.file)
    authenticator = Authenticator.on(chosen)
    assert not authenticator.built_in
    with capture_logs() as logged, pytest.raises(Unauthenticated, match="issuer"):
        authenticator.identify(token)
    assert logged[0]["reason"] == "unknown-issuer"
    with pytest.raises(RealIssuer, match="GRANTFLOW_ISSUERS"):
        BuiltIn.on(chosen)


def test_the_built_in_issuer_gives_no_token_for_nobody(tmp_path: Path) -> None:
    built_in = BuiltIn(tmp_path)
    hour = timedelta(hours=1)
    wrong: list[tuple[str, list[str], str, list[str], timedelta]] = [
        ("", ["applicant"], MUNICIPALITY, [], hour),
        (IDENTITY_NUMBER, ["applicant"], MUNICIPALITY, [], hour),
        ("kari", [], MUNICIPALITY, [], hour),
        ("kari", ["clock"], MUNICIPALITY, [], hour),
        ("kari", ["applicant", "king"], MUNICIPALITY, [], hour),
        ("kari", ["applicant"], "958935421", [], hour),
        ("kari", ["applicant"], MUNICIPALITY, ["read"], hour),
        ("robot", ["integration"], MUNICIPALITY, [], hour),
        ("robot", ["integration"], MUNICIPALITY, ["all"], hour),
        ("kari", ["applicant"], MUNICIPALITY, [], timedelta(hours=25)),
        ("kari", ["applicant"], MUNICIPALITY, [], timedelta(0)),
    ]
    for arguments in wrong:
        with pytest.raises(BadRequest):
            built_in.issue(*arguments)


@pytest.fixture
def say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Speak to the command line in this process, with no database that answers."""
    monkeypatch.setenv("GRANTFLOW_HOME", str(tmp_path))
    return speaking("postgresql://127.0.0.1:1/none", monkeypatch, capsys)


def test_the_command_prints_the_token_and_nothing_else(say: Callable[..., Answer], tmp_path: Path) -> None:
    answer = say("token", "--as", "kari", "--role", "applicant", "--role", "director", "--org", MUNICIPALITY)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.count("\n") == 1
    who = Authenticator.on(settings(tmp_path)).identify(answer.out.strip())
    assert (who.person, who.roles) == ("kari", ("applicant", "director"))
    assert {path.name for path in tmp_path.iterdir()} == {"issuer.key", "pseudonym.key"}


def test_the_command_gives_a_programs_scopes_and_when_it_ends(
    say: Callable[..., Answer], tmp_path: Path
) -> None:
    words = (
        "--role",
        "integration",
        "--org",
        DIRECTORATE,
        "--scope",
        "read",
        "--scope",
        "events",
        "--hours",
        "1",
    )
    answer = say("token", "--as", "robot", *words, "--json").json
    assert Authenticator.on(settings(tmp_path)).identify(answer["token"]).scopes == {"read", "events"}
    assert answer.keys() == {"token", "expires_at"}


@pytest.mark.parametrize("role", ["clock", "casw-officer"])
def test_the_command_names_the_roles_there_are(say: Callable[..., Answer], role: str) -> None:
    answer = say("token", "--as", "kari", "--role", role, "--org", MUNICIPALITY)
    assert answer.code == 1
    assert all(known in answer.err for known in CALLERS)
    assert answer.out == ""


def test_the_command_is_refused_where_real_issuers_are(
    say: Callable[..., Answer], realm: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRANTFLOW_ISSUERS", str(realm.file))
    answer = say("token", "--as", "kari", "--role", "applicant", "--org", MUNICIPALITY)
    assert (answer.code, answer.out) == (1, "")
    assert "GRANTFLOW_ISSUERS" in answer.err


def test_any_of_several_audiences_is_ours(tmp_path: Path) -> None:
    authenticator = only(tmp_path, people(ANY, audience=f'["{AUDIENCE}", "api://tilskudd"]'), ANY)
    for aud in (AUDIENCE, "api://tilskudd", ["https://annet.example", "api://tilskudd"]):
        assert authenticator.identify(ANY.token(aud=aud, organisation=MUNICIPALITY))
