"""An issuer's keys change without a restart, and one that is down is lived with for a day."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from realm import AUDIENCE, Made, b64, jwk, key_set, private_key, sealed
from structlog.testing import capture_logs

from grantflow.identity import Authenticator, Unauthenticated
from grantflow.identity.fetching import NotFetched
from grantflow.identity.issuer import CLAIMS, Issuer
from grantflow.identity.keys import BETWEEN, FRESH, LOOK, STALE, usable
from grantflow.identity.pseudonyms import Pseudonyms
from grantflow.identity.remembered import LONGEST

TEN_MINUTES = 600
ALL = ("EdDSA", "ES256", "PS256", "RS256")
MADE = Made("https://login.example", "rotating", {"sub": "kari", "roles": "soker", "org": "958935420"})
TRUSTED = Issuer(
    iss=MADE.iss, audience=(AUDIENCE,), claims={**CLAIMS, "organisation": "org"}, roles={"soker": "applicant"}
)


class Rotating:
    """An issuer whose keys and whose clock a test turns; it counts how often it is asked."""

    def __init__(self) -> None:
        self.keys: list[str] = ["ed-first"]
        self.asked = 0
        self.down = False
        self.looking: threading.Event | None = None
        self.go_on: threading.Event | None = None
        self.seconds = 1000.0
        self.authenticator = Authenticator(
            [(TRUSTED, self.source)], Pseudonyms(b"x" * 32), clock=lambda: self.seconds
        )

    def source(self) -> Any:
        self.asked += 1
        if self.looking and self.go_on:
            self.looking.set()
            assert self.go_on.wait(10)
        if self.down:
            msg = "it is down"
            raise NotFetched(msg)
        return key_set(*(jwk(name, name) for name in self.keys))

    def accepts(self, key: str, **claims: Any) -> bool:
        """Whether a fresh token signed with this key is accepted."""
        token = sealed(
            {"alg": "EdDSA", "kid": key},
            MADE.claims(jti=str(time.perf_counter_ns()), **claims),
            private_key(key),
        )
        return self.takes(token)

    def takes(self, token: str) -> bool:
        try:
            self.authenticator.identify(token)
        except Unauthenticated:
            return False
        return True


def test_a_new_key_is_taken_when_the_first_token_comes_that_is_signed_with_it() -> None:
    issuer = Rotating()
    assert issuer.accepts("ed-first")
    issuer.keys = ["ed-first", "ed-second"]
    issuer.seconds += BETWEEN
    assert issuer.accepts("ed-second")
    assert issuer.accepts("ed-first")
    assert issuer.asked == 2


def test_tokens_with_unknown_keys_make_no_storm_of_questions() -> None:
    issuer = Rotating()
    assert issuer.accepts("ed-first")
    for _ in range(100):
        issuer.seconds += 0.5
        assert not issuer.accepts("ed-unknown")
    assert issuer.asked <= 1 + 50 / BETWEEN
    assert issuer.accepts("ed-first")


def test_a_key_that_was_taken_away_works_no_longer_than_ten_minutes() -> None:
    issuer = Rotating()
    token = sealed(
        {"alg": "EdDSA", "kid": "ed-first"}, MADE.claims(exp=int(time.time()) + 5000), private_key("ed-first")
    )
    assert issuer.takes(token)
    issuer.keys = ["ed-second"]
    ended = None
    for second in range(1, TEN_MINUTES + 1):
        issuer.seconds += 1
        if not issuer.takes(token):
            ended = second
            break
    assert ended is not None
    assert ended <= TEN_MINUTES


def test_not_even_where_nobody_else_asks_meanwhile() -> None:
    issuer = Rotating()
    token = sealed(
        {"alg": "EdDSA", "kid": "ed-first"}, MADE.claims(exp=int(time.time()) + 5000), private_key("ed-first")
    )
    assert issuer.takes(token)
    issuer.keys = ["ed-second"]
    issuer.seconds += LOOK - 1
    assert issuer.takes(token), "kept for some minutes"
    issuer.seconds += FRESH - LOOK + 2
    assert not issuer.takes(token)


def test_while_an_issuer_is_down_its_keys_of_before_serve_for_a_day_and_the_log_says_so() -> None:
    issuer = Rotating()
    assert issuer.accepts("ed-first")
    issuer.down = True
    issuer.seconds += STALE - 1
    with capture_logs() as logged:
        assert issuer.accepts("ed-first")
    assert [line["event"] for line in logged] == ["issuer-keys-not-fetched"]
    assert logged[0]["kept"] == "keys of before are used"
    assert (logged[0]["issuer"], logged[0]["error"]) == (MADE.iss, "it is down")
    issuer.seconds += BETWEEN + 2
    assert not issuer.accepts("ed-first")
    issuer.down = False
    issuer.seconds += BETWEEN
    assert issuer.accepts("ed-first")


def test_an_issuer_that_was_never_reached_lets_nobody_in() -> None:
    issuer = Rotating()
    issuer.down = True
    with capture_logs() as logged:
        assert not issuer.accepts("ed-first")
        assert not issuer.accepts("ed-first")
    assert issuer.asked == 1
    refused = [line for line in logged if line["event"] == "token-refused"]
    assert [line["reason"] for line in refused] == ["keys-unavailable"] * 2


def test_an_issuer_that_publishes_no_key_any_more_lets_nobody_in() -> None:
    issuer = Rotating()
    assert issuer.accepts("ed-first")
    issuer.keys = []
    issuer.seconds += FRESH + 1
    assert not issuer.accepts("ed-first")


@pytest.mark.parametrize(("age", "goes_on"), [(LOOK + 1, True), (FRESH + 1, False)])
def test_while_one_is_looking_the_others_go_on_for_some_minutes_only(age: float, *, goes_on: bool) -> None:
    issuer = Rotating()
    assert issuer.accepts("ed-first")
    issuer.keys = ["ed-second"]
    issuer.seconds += age
    issuer.looking, issuer.go_on = threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as threads:
        try:
            first = threads.submit(issuer.accepts, "ed-second")
            assert issuer.looking.wait(10)
            other = threads.submit(issuer.accepts, "ed-first")
            if goes_on:
                assert other.result(10)
            else:
                with pytest.raises(TimeoutError):
                    other.result(0.1)
        finally:
            issuer.go_on.set()
        assert first.result(10)
        assert other.result(10) is goes_on
    assert FRESH + LONGEST <= TEN_MINUTES


def test_only_keys_that_fit_are_used() -> None:
    good = jwk("rsa-fit", "good")
    other = jwk("ed-1", "other")
    assert set(usable(key_set(good, other), ALL)) == {
        ("good", "RS256"),
        ("good", "PS256"),
        ("other", "EdDSA"),
    }
    assert set(usable(key_set({**good, "alg": "PS256"}, other), ALL)) == {
        ("good", "PS256"),
        ("other", "EdDSA"),
    }
    assert set(usable(key_set(good, other), ("RS256",))) == {("good", "RS256")}
    unfit: list[Any] = [
        jwk("short-1", "short"),
        jwk("p384-1", "curve"),
        {**good, "use": "enc"},
        {**good, "key_ops": ["sign"]},
        {**good, "key_ops": 5},
        {**good, "alg": "RS512"},
        {**good, "alg": "HS256"},
        {**good, "alg": 5},
        {**good, "kid": 5},
        {**good, "kid": None},
        {**good, "n": "!"},
        {**good, "n": 5},
        {**good, "e": "AA"},
        {**good, "kty": ["RSA"]},
        {**jwk("ec-1", "ec"), "x": "AAAA"},
        {**jwk("ec-1", "ec"), "crv": {}},
        {**jwk("ed-1", "ed"), "crv": "Ed448"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret", "alg": "RS256"},
        "a text",
        None,
    ]
    for key in unfit:
        assert usable({"keys": [key]}, ALL) == {}, key
    (first,) = {
        key.key.key_size for key in usable(key_set(good, jwk("rsa-other", "good")), ("RS256",)).values()
    }
    assert first == 2048


PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=50) | st.binary(max_size=40).map(b64)
MEMBERS = ("kty", "crv", "n", "e", "x", "y", "d", "kid", "alg", "use", "key_ops")


@effort(max_examples=200, deadline=None)
@given(
    beside=st.dictionaries(st.sampled_from(MEMBERS), PLAIN | st.lists(PLAIN, max_size=2), min_size=1),
    kind=st.sampled_from(("rsa-fit", "ec-1", "ed-1")),
)
def test_no_key_is_more_than_left_out(beside: dict[str, Any], kind: str) -> None:
    assert len(usable(key_set({**jwk(kind, "kid"), **beside}), ALL)) <= 4


def test_a_token_need_not_name_its_key_where_there_is_only_one() -> None:
    issuer = Rotating()
    token = sealed({"alg": "EdDSA"}, MADE.claims(), private_key("ed-first"))
    assert issuer.takes(token)
    unnamed = jwk("ed-first", "")
    del unnamed["kid"]
    assert set(usable(key_set(unnamed), ALL)) == {("", "EdDSA")}
    assert set(usable(key_set(unnamed, jwk("ed-second", "named")), ALL)) == {("named", "EdDSA")}
    issuer.keys = ["ed-first", "ed-second"]
    issuer.seconds += FRESH + 1
    assert not issuer.takes(token)


@pytest.mark.parametrize("found", [None, [], "keys", {}, {"keys": None}, {"keys": {"a": 1}}, 5])
def test_what_is_no_key_set_changes_nothing(found: Any) -> None:
    with pytest.raises(NotFetched):
        usable(found, ALL)
