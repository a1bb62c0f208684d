"""What comes in with a request: bodies of every bad kind, keys, versions, limits, languages and ids."""

from __future__ import annotations

import gzip
import json
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from served import CALL, Served, published
from steps import CONTENT
from test_attachments import PDF, PNG

from grantflow.store import Store
from grantflow.web.asking import LARGEST_BODY

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from served import Answer

LIMITED = {"GRANTFLOW_RATE_LIMIT": "60", "GRANTFLOW_ADDRESS_RATE_LIMIT": "300"}


@pytest.fixture(scope="module")
def served(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with published(module_database_url):
        pass
    with Served(tmp_path_factory.mktemp("home"), module_database_url) as served:
        yield served


@pytest.fixture(scope="module")
def token(served: Served) -> str:
    return served.applicant()


@pytest.fixture
def case(served: Served, token: str) -> str:
    """The address of a case that has just begun."""
    return served.begin(token)


def edit(**changes: Any) -> dict[str, Any]:
    return {"section": "project", "content": {**CONTENT["project"], **changes}}


def version(served: Served, token: str, case: str) -> int:
    return int(served.get(case, token).json["version"])


def is_problem(answer: Answer, status: int, code: str) -> bool:
    return (
        (answer.status, answer.json["status"], answer.json["code"]) == (status, status, code)
        and answer.headers["Content-Type"] == "application/problem+json"
        and answer.headers["X-Content-Type-Options"] == "nosniff"
        and bool(answer.headers["X-Request-Id"])
    )


GOOD = json.dumps(edit()).encode()
BROKEN = {
    "too deep for any reader": b'{"section": "project", "content": '
    + b'{"a":' * 100_000
    + b"1"
    + b"}" * 100_000
    + b"}",
    "too deep": b'{"section": "project", "content": ' + b'{"a":' * 60 + b"1" + b"}" * 60 + b"}",
    "too many values": b'{"section": "project", "content": {"a": [' + b"1," * 200_000 + b"1]}}",
    "no UTF-8": GOOD.replace(b"Rett", b"\xe6"),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "a key twice": b'{"section": "project", "section": "budget", "content": {}}',
    "a key twice by an escape": b'{"section": "project", "\\u0073ection": "budget", "content": {}}',
    "a key twice once it is in normal form": '{"section": "project", "content": {"\xe5": 1, "a\u030a": 2}}'.encode(),
    "an unknown key": GOOD[:-1] + b', "person": "somebody-else"}',
    "a list": b"[]",
    "a text": b'"edit"',
    "null": b"null",
    "half an object": b'{"section": ',
    "two objects": GOOD + GOOD,
    "nothing": b"",
    "white space": b" \n",
    **{
        f"the number {value[:12].decode()!r}": GOOD.replace(
            b'"participants": 24', b'"participants": ' + value
        )
        for value in (
            *(b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"1e999999999", b"1.5", b"1e2", b"012"),
            *(b"9" * 30, b"9" * 5_000, b"9007199254740993", b"0x10", b"+1"),
        )
    },
    **{
        f"the text {value!r}": GOOD.replace(b"Rett i jobb", value)
        for value in (rb"\u0000", rb"\u0007", rb"\ud800", rb"\udc00\ud800", rb"\u007f", b"a\x01b", b"a\nb")
    },
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN)
def test_a_body_that_is_not_as_it_should_be_is_refused_and_nothing_is_stored(
    raw: bytes, served: Served, token: str, case: str
) -> None:
    assert raw != GOOD
    answer = served.post(f"{case}/steps/edit", token, raw)
    assert is_problem(answer, 400, "bad-request")
    assert version(served, token, case) == 1


def test_text_is_stored_in_its_composed_form(served: Served, token: str, case: str) -> None:
    loose = unicodedata.normalize("NFD", "Språkopplæring på Ås")
    assert loose != (composed := unicodedata.normalize("NFC", loose))
    raw = json.dumps(edit(title=loose), ensure_ascii=False).encode()
    assert served.post(f"{case}/steps/edit", token, raw).status == 200
    assert served.get(case, token).json["content"]["project"]["title"] == composed
    kept = served.post(
        f"{case}/documents?filename={'A%CC%8A'}.pdf", token, PDF, Content_Type="application/pdf"
    )
    assert kept.status == 200
    assert (
        served.get(case, token).json["file"]["attachments"][0]["filename"]
        == "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}.pdf"
    )


def test_text_that_is_written_with_escapes_is_stored_so_too(served: Served, token: str, case: str) -> None:
    assert served.post(f"{case}/steps/edit", token, edit(title="A\u030as")).status == 200
    assert served.get(case, token).json["content"]["project"]["title"] == "\u00c5s"


@pytest.mark.parametrize(
    "headers",
    [
        *(
            {"Content_Type": kind}
            for kind in ("text/plain", "application/x-www-form-urlencoded", "", "application/jsonx")
        ),
        {"Content_Type": "multipart/form-data; boundary=x"},
        *({"Content_Encoding": kind} for kind in ("gzip", "GZIP", "br", "deflate", "identity, gzip", "")),
    ],
    ids=str,
)
def test_a_body_of_another_kind_or_compressed_is_refused(
    headers: dict[str, str], served: Served, token: str, case: str
) -> None:
    assert is_problem(served.post(f"{case}/steps/edit", token, GOOD, **headers), 415, "wrong-media-type")
    assert version(served, token, case) == 1


def test_a_compressed_bomb_is_not_unpacked(served: Served, token: str, case: str) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    began = time.monotonic()
    assert served.post(f"{case}/steps/edit", token, bomb, Content_Encoding="gzip").status == 415
    assert time.monotonic() - began < 2


class Bare:
    """A request put together by hand, on a connection of its own."""

    def __init__(
        self, served: Served, token: str, case: str, *headers: str, request_id: str = "bare"
    ) -> None:
        self.socket = served.socket()
        lines = [
            f"POST {case}/steps/edit HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {token}",
            f"X-Request-Id: {request_id}",
            "Content-Type: application/json",
            *headers,
        ]
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode() + b"\r\n")

    def __enter__(self) -> socket.socket:
        return self.socket

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def status(connection: socket.socket) -> int:
    return int(connection.recv(4_096).split(b" ", 2)[1])


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_a_body_that_is_too_large_is_refused_before_it_has_come(
    served: Served, token: str, case: str
) -> None:
    with Bare(served, token, case, f"Content-Length: {LARGEST_BODY + 1}") as connection:
        connection.sendall(b'{"section": "')
        assert status(connection) == 413
    with Bare(
        served, token, case, f"Content-Length: {LARGEST_BODY + 1}", "Expect: 100-continue"
    ) as connection:
        assert status(connection) == 413
    with Bare(served, token, case, "Transfer-Encoding: chunked") as connection:
        try:
            for _ in range(2 * LARGEST_BODY // 1_000_000):
                connection.sendall(chunk(b"x" * 1_000_000))
        except OSError:
            pass  # it does not listen any more
        else:
            assert status(connection) == 413
    assert version(served, token, case) == 1


def test_a_body_in_chunks_and_one_that_comes_slowly_are_taken(served: Served, token: str, case: str) -> None:
    with Bare(served, token, case, "Transfer-Encoding: chunked") as connection:
        connection.sendall(chunk(GOOD[:100]))
        connection.sendall(chunk(GOOD[100:]) + b"0\r\n\r\n")
        assert status(connection) == 200
    slow = json.dumps(edit(title="Sent, men godt")).encode()
    with Bare(served, token, case, f"Content-Length: {len(slow)}") as connection:
        for start in range(0, len(slow), 300):
            connection.sendall(slow[start : start + 300])
            time.sleep(0.02)
        assert status(connection) == 200


def cut_off(served: Served) -> list[dict[str, Any]]:
    """What the log says of the requests of the next test."""
    return [line for line in served.logged("answered") if line["request"] == "cut-off"]


def test_a_body_that_ends_too_soon_leaves_nothing(served: Served, token: str, case: str) -> None:
    for header in (f"Content-Length: {len(GOOD) + 10}", "Transfer-Encoding: chunked"):
        with Bare(served, token, case, header, request_id="cut-off") as connection:
            connection.sendall(GOOD if "Length" in header else chunk(GOOD))
        with Bare(served, token, case, header, request_id="cut-off") as connection:
            connection.sendall(GOOD[:50])
    with Bare(served, token, case, "Transfer-Encoding: chunked", request_id="cut-off") as connection:
        connection.sendall(b"nonsense\r\n")
        assert status(connection) == 400
    for header in ("Content-Length: -1", "Content-Length: 1, 2", "Content-Length: x"):
        with Bare(served, token, case, header) as connection:
            assert status(connection) == 400
    give_up = time.monotonic() + 10
    while len(answered := cut_off(served)) < 5 and time.monotonic() < give_up:
        time.sleep(0.05)
    assert len(answered) == 5
    assert {line["status"] for line in answered} == {400}
    assert version(served, token, case) == 1


def test_a_document_is_what_it_says_it_is_and_is_given_back_to_be_saved(
    served: Served, token: str, case: str
) -> None:
    path = f"{case}/documents?filename=budsjett.pdf"
    for kind, content in (
        ("application/pdf", PNG),
        ("image/png", PDF),
        ("text/html", b"<script>"),
        ("", PDF),
    ):
        assert served.post(path, token, content, Content_Type=kind).status == 409
    assert served.post(path, token, b"", Content_Type="application/pdf").status == 409
    assert served.post(f"{case}/documents", token, PDF, Content_Type="application/pdf").status == 400
    nasty = f"{case}/documents?filename=a%22%3B%0D%0ASet-Cookie%3A%20x%3D1.pdf"
    assert served.post(nasty, token, PDF, Content_Type="application/pdf").status in {400, 409}
    assert served.post(path, token, PDF, Content_Type="application/pdf; name=x.html").status == 200
    (kept,) = served.get(case, token).json["file"]["attachments"]
    answer = served.get(f"{case}/documents/{kept['digest']}", token)
    assert (answer.status, answer.body) == (200, PDF)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (
        "sandbox" in answer.headers["Content-Security-Policy"]
        or "default-src 'none'" in answer.headers["Content-Security-Policy"]
    )
    assert served.get(f"{case}/documents/{kept['digest']}", served.applicant("964965226")).status == 404


def test_the_same_key_and_body_give_the_first_answer_again_and_another_body_is_refused(
    served: Served, token: str, case: str
) -> None:
    key = {"Idempotency_Key": uuid4().hex}
    first = served.post(f"{case}/steps/edit", token, edit(), **key)
    assert first.status == 200
    assert "Idempotent-Replayed" not in first.headers
    again = served.post(f"{case}/steps/edit", token, edit(), **key)
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["ETag"] == first.headers["ETag"] == '"2"'
    other = served.post(f"{case}/steps/edit", token, edit(title="Noe annet"), **key)
    assert is_problem(other, 422, "idempotency-key-reused")
    assert version(served, token, case) == 2
    elsewhere = served.post(f"/api/v1/calls/{CALL}/applications", token, **key)
    assert is_problem(elsewhere, 422, "idempotency-key-reused")
    begun = served.post(f"/api/v1/calls/{CALL}/applications", served.token("per", "applicant"), **key)
    assert begun.status == 201, "a key is its caller's own"


def test_of_twenty_at_once_with_one_key_one_acts_and_all_get_its_answer(
    served: Served, token: str, case: str
) -> None:
    key = {"Idempotency_Key": uuid4().hex}
    with ThreadPoolExecutor(20) as threads:
        answers = list(
            threads.map(lambda _: served.post(f"{case}/steps/edit", token, edit(), **key), range(20))
        )
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert version(served, token, case) == 2


@pytest.mark.parametrize("key", ["x" * 201, "a\tb", "17054026641"], ids=["long", "tab", "identity number"])
def test_a_key_that_cannot_be_one_is_refused(key: str, served: Served, token: str, case: str) -> None:
    answer = served.post(f"{case}/steps/edit", token, edit(), Idempotency_Key=key)
    assert answer.status in {400, 422}
    assert key not in answer.body.decode()
    assert version(served, token, case) == 1


def test_a_step_is_taken_only_at_the_version_that_was_read(served: Served, token: str, case: str) -> None:
    etag = served.get(case, token).headers["ETag"]
    path = f"{case}/steps/edit"
    assert served.post(path, token, edit(), If_Match=etag).status == 200
    assert is_problem(served.post(path, token, edit(title="To"), If_Match=etag), 412, "version-mismatch")
    for garbage in ("2", "two", 'W/"2"', '"2", "3"', '"-2"', '"2.0"', '"' + "9" * 40 + '"', '""', "\xe6"):
        refused = served.post(path, token, edit(title="Tre"), If_Match=garbage)
        assert is_problem(refused, 400, "bad-request"), garbage
    assert version(served, token, case) == 2
    assert served.post(path, token, edit(title="Fire"), If_Match="*").status == 200


@pytest.mark.parametrize(
    ("accepted", "language", "title"),
    [
        ("nb", "nb", "Finnes ikke"),
        ("nn-NO, nb;q=0.5", "nn", "Finst ikkje"),
        ("no", "nb", "Finnes ikke"),
        ("en-GB", "en", "There is no such thing"),
        ("de, nn;q=0.2, en;q=0.1", "nn", "Finst ikkje"),
        ("nb;q=0, nn", "nn", "Finst ikkje"),
        ("", "en", "There is no such thing"),
        (";;;,,,q=q" * 500, "en", "There is no such thing"),
    ],
)
def test_a_refusal_is_told_in_the_language_that_is_read(
    accepted: str, language: str, title: str, served: Served, token: str
) -> None:
    answer = served.get(f"/api/v1/applications/{uuid4()}", token, Accept_Language=accepted)
    assert (answer.status, answer.headers["Content-Language"]) == (404, language)
    assert answer.json["title"] == title


def test_a_request_has_an_id_in_the_answer_in_the_log_and_on_the_event(
    served: Served, token: str, case: str, module_database_url: str
) -> None:
    given = f"from-the-gateway:{uuid4()}"
    answer = served.post(f"{case}/steps/edit", token, edit(), X_Request_Id=given)
    again = served.post(f"{case}/steps/edit", token, edit(title="To"), X_Request_Id=given)
    assert answer.headers["X-Request-Id"] == again.headers["X-Request-Id"] == given
    give_up = time.monotonic() + 5
    while sum(line["request"] == given for line in served.logged("answered")) < 2:
        assert time.monotonic() < give_up
        time.sleep(0.02)
    with Store(module_database_url) as store:
        commands = [store.entry(one.json["position"]).event.stamp.command for one in (answer, again)]
    assert len(set(commands)) == 2
    assert all(command.startswith(f"{given}.") for command in commands)


@pytest.mark.parametrize(
    "hostile", ["", "a b", "x" * 101, "<script>", '{"a":1}', "\xe6\xf8", "17054026641", "a,b"]
)
def test_a_hostile_request_id_is_replaced(hostile: str, served: Served, token: str, case: str) -> None:
    answer = served.post(f"{case}/steps/edit", token, edit(), X_Request_Id=hostile)
    assert answer.status == 200
    assert len(answer.headers["X-Request-Id"]) == 36
    assert answer.headers["X-Request-Id"] != hostile


def test_what_is_not_there_has_an_id_and_the_headers_too(served: Served, token: str) -> None:
    for path, code in (("/nothing", 404), ("/api/v1/nothing", 404), ("/api/v1/calls/x/applications", 405)):
        answer = served.get(path, token, X_Request_Id="mine")
        assert is_problem(answer, code, "not-found" if code == 404 else "method-not-allowed"), path
        assert answer.headers["X-Request-Id"] == "mine"


def test_who_asks_too_often_waits(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with Served(tmp_path_factory.mktemp("limited"), module_database_url, **LIMITED) as served:
        often, seldom = served.applicant(), served.token("per", "applicant")
        answers = [served.get("/api/v1/calls", often) for _ in range(12)]
        refused = [answer for answer in answers if answer.status == 429]
        assert len(refused) >= 1
        assert {answer.status for answer in answers} == {200, 429}
        assert all(is_problem(answer, 429, "too-many-requests") for answer in refused)
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
        assert served.get("/api/v1/calls", seldom).status == 200
        flood = [served.get("/healthz", X_Request_Id="flood") for _ in range(60)]
        kept_out = [answer for answer in flood if answer.status == 429]
        assert kept_out
        assert all(is_problem(answer, 429, "too-many-requests") for answer in kept_out)
        assert {answer.headers["X-Request-Id"] for answer in kept_out} == {"flood"}
        assert served.get("/api/v1/calls", seldom).status == 429
        assert not [line for line in served.logged("answered") if line["status"] == 500]
        time.sleep(1.1)
        assert served.get("/api/v1/calls", often).status == 200
