"""Lines taken as commands: in their order, each answered once, and a bad one refuses only itself."""

from __future__ import annotations

import base64
import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from given import IMDI
from imported import CALL, edit, facts, line, start
from steps import CALL_FOLDER, GRANTED, assessed, content, declared, grant
from variants import by_lead, prepared, publish

from grantflow.definitions import definition_files
from grantflow.domain.money import kroner, ore
from grantflow.importing import importer, lines, rehearsal
from grantflow.importing.importer import Importer
from grantflow.importing.lines import lines_of
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Service
from grantflow.states import case_stream
from grantflow.store import Store, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from grantflow.importing.importer import Answer

NUMBERED: dict[str, UUID] = {}
BEGUN = case_stream("0301-adviser:a")


@pytest.fixture
def log(store: Store) -> Store:
    """A store in which the 2023 call is published."""
    Service(store).calls.publish(definition_files(CALL_FOLDER), by_lead("publish"))
    return store


def taken(
    store: Store, *raw: bytes, numbers: Mapping[str, UUID] = NUMBERED, dry_run: bool = False
) -> list[Answer]:
    """The answers to these lines."""

    def find(wanted: Sequence[str]) -> dict[str, UUID]:
        return {number: numbers[number] for number in wanted if number in numbers}

    return list(Importer(store, find, dry_run=dry_run).answers(lines_of(BytesIO(b"".join(raw)))))


def told(answers: list[Answer]) -> list[str]:
    """What became of each line: done, repeated, or the code of its refusal."""
    return [answer.refusal.code if answer.refusal else answer.what for answer in answers]


def content_of(store: Store, case: UUID) -> dict[str, Any]:
    return dict(Service(store).states.case(case).content)


def test_a_case_is_named_by_the_key_it_was_begun_under_by_its_id_or_by_its_number(log: Store) -> None:
    director = {"person": "0301-director", "role": "director"}
    answers = taken(
        log,
        start("a"),
        edit("k1", "a"),
        edit("k2", [str(BEGUN)], "partners"),
        line("k3", "approve", **{**director, "case": {"key": "a"}}, data={"capacity": "municipal-director"}),
        line(
            "k4",
            "approve",
            **{**director, "case": {"key": "a", "person": "0301-adviser"}},
            data={"capacity": "municipal-director"},
        ),
        edit("k5", "a", contact_role="Leder"),
        edit("k6", ["n-1"], "declarations"),
        numbers={"n-1": BEGUN},
    )
    assert told(answers) == ["done", "done", "done", "not-found", "rules-failed", "done", "done"]
    assert content_of(log, BEGUN) == {
        "applicant": {**content()["applicant"], "contact_role": "Leder"},
        "partners": content()["partners"],
        "declarations": content()["declarations"],
    }
    assert {entry.event.stamp.channel for entry in log.load(BEGUN)} == {"import"}


def test_the_same_lines_again_change_nothing(log: Store) -> None:
    asked = [start("a"), edit("k1", "a"), b"nonsense\n", edit("k2", "a", contact_role="Leder")]
    assert told(taken(log, *asked)) == ["done", "done", "bad-request", "done"]
    before = facts(log)
    assert told(taken(log, *asked)) == ["repeated", "repeated", "bad-request", "repeated"]
    assert facts(log) == before


def test_the_lines_of_a_case_are_taken_in_their_order_whatever_is_refused_among_them(log: Store) -> None:
    answers = taken(
        log,
        edit("too-soon", "a"),
        start("a"),
        edit("k1", "a", contact_role="Første"),
        line("k2", "submit", case={"key": "a"}),
        edit("k3", "a", contact_role="Andre"),
        b'{"key": "k4"}\n',
        edit("k5", "a", contact_role="Tredje"),
    )
    assert told(answers)[:2] == ["not-found", "done"]
    assert told(answers)[2:] == ["done", "step-not-allowed", "done", "bad-request", "done"]
    assert [e.event.stamp.command for e in log.load(BEGUN)] == ["a", "k1", "k3", "k5"]


def test_a_line_that_comes_before_its_case_is_refused_however_soon_the_case_begins(log: Store) -> None:
    pairs = [(edit(f"too-soon-{n}", f"case-{n}"), start(f"case-{n}")) for n in range(30)]
    asked = [one for pair in pairs for one in pair]
    for dry_run in (True, False):
        assert told(taken(log, *asked, dry_run=dry_run)) == ["not-found", "done"] * 30


BAD: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xfe{\n", "utf-8"),
    (b'{"key": "x\x00"}\n', "control character"),
    (b'{"key": "x", "key": "y"}\n', "a key stands twice"),
    (b'{"key": "x", "amount": NaN}\n', "NaN"),
    (b'["key"]\n', "one JSON object"),
    (b'{"key": "x"} {"key": "y"}\n', "Extra data"),
    (b"[" * 5_000 + b"\n", "not JSON as it should be"),
    (b'{"key": "x", "data": ' + b"9" * 5_000 + b"}\n", "not JSON as it should be"),
    ("\ufeff".encode() + start("x"), "BOM"),
    (b"{}\n", "missing required field `key`"),
    (line("x", kase="1"), "unknown field `kase`"),
    (line("x", case=17), "`$.case`"),
    (line("x", case={"key": "a", "by": "me"}), "unknown field `by`"),
    (line("x", case={"key": "a", "data": []}), "unknown field `data`"),
    (line("x", data=[]), "`$.data`"),
    (line("x"), "names the case"),
    (start("x", case=str(BEGUN)), "names the case"),
    (line("x", "start"), "names the case"),
    (line("x", "edit", call=CALL, case=str(BEGUN)), "names the case"),
    (line("", case=str(BEGUN)), "'key' must be 1 to 200"),
    (line("x" * 201, case=str(BEGUN)), "'key' must be 1 to 200"),
    (line("x", "st\nep", case=str(BEGUN)), "'step' must be"),
    (line("x", case="y" * 201), "'case' must be"),
    (start("x", call="\x07"), "'call' must be"),
    (start("x").replace(CALL.encode(), b"\\ud800"), "half of a surrogate pair"),
    (line("x", case={"key": ""}), "'case.key' must be"),
    (line("x", case=str(BEGUN), role="clock"), "There is no role 'clock'"),
    (line("x", case=str(BEGUN), organisation="958935421"), "not an organisation number"),
    (line("x", case=str(BEGUN), happened_at="yesterday"), "'happened_at' 'yesterday'"),
    (line("x", case=str(BEGUN), happened_at="0001-01-01"), "'happened_at'"),
    (line("x", case=str(BEGUN), happened_at="2999-01-01"), "nothing is recorded before it happens"),
    (line("x", "submitt", case=str(BEGUN)), "'submitt'"),
    (edit("x", "a", contact_role="zz").replace(b'"zz"', b'"\\ud800"'), "can't be stored"),
    (start("x", call="nope"), "No call 'nope' is published"),
    (b'{"key": "k", "step": "edit"', "ends in the middle of this line"),
)


@pytest.mark.parametrize("dry_run", [False, True])
def test_each_bad_line_is_told_with_its_number_and_reason_and_the_good_ones_go_in(
    log: Store, *, dry_run: bool
) -> None:
    asked = [b"\r\n", start("a").replace(b"\n", b"\r\n")]
    for n, (bad, _) in enumerate(BAD[:-1]):
        asked += [bad, b"  \t\n", edit(f"k{n}", "a", contact_role=f"Rolle {n}")]
    answers = taken(log, b"\xef\xbb\xbf", *asked, BAD[-1][0], dry_run=dry_run)
    assert answers[0].line == 2
    refused = [answer for answer in answers if answer.refusal]
    assert [answer.line for answer in refused] == [3 + 3 * n for n in range(len(BAD))]
    for answer, (_, why) in zip(refused, BAD, strict=True):
        assert answer.refusal is not None
        assert why in answer.refusal.detail, answer
    assert told(answers).count("done") == len(BAD)
    assert len(log.load(BEGUN)) == (0 if dry_run else len(BAD))


def test_a_key_that_comes_again_for_something_else_is_refused_and_what_came_first_stands(log: Store) -> None:
    publish(Service(log), "other", "100.00")
    asked = [
        start("a"),
        start("a", call="other"),
        edit("k1", "a"),
        edit("k1", "a"),
        edit("k1", "a", contact_role="Leder"),
        edit("k2", "a", contact_role="Leder"),
    ]
    reused = "idempotency-key-reused"
    for dry_run in (True, False):
        first = told(taken(log, *asked, dry_run=dry_run))
        assert first == ["done", reused, "done", "repeated", reused, "done"]
    assert told(taken(log, *asked)) == ["repeated", reused, "repeated", "repeated", reused, "repeated"]
    assert Service(log).states.case(BEGUN).call == CALL
    odds: tuple[tuple[Any, str], ...] = ((2**70, reused), ("\ud800", "bad-request"), ([[]], reused))
    for odd, refused in odds:
        raw = json.dumps({**json.loads(edit("k1", "a")), "data": {"x": odd}}).encode()
        assert told(taken(log, raw)) == [refused]


def test_what_follows_in_flight_is_decided_by_the_call_the_case_was_really_begun_under(log: Store) -> None:
    service = Service(log)
    publish(service, "other", "100.00")
    asked = lines_of(BytesIO(start("a") + start("a", call="other") + edit("k1", "a")))
    list(service.handle_all([one.request for one in asked if one.request]))
    assert service.states.case(BEGUN, fresh=False).call == CALL


def test_no_more_of_a_line_is_held_than_it_may_have(log: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 2_000)
    monkeypatch.setattr(lines, "_PIECE", 10)
    longest = start("a", data={}).replace(b"\n", b"")
    fits, over = longest.ljust(1_999) + b"\n", longest.ljust(2_000) + b"\n"
    answers = taken(log, over, fits, b"x" * 10_000 + b"\n", edit("k", "a"), b"y" * 3_000)
    assert told(answers) == ["bad-request", "done", "bad-request", "done", "bad-request"]
    assert [answer.line for answer in answers] == [1, 2, 3, 4, 5]
    assert all("longer than 2000 bytes" in a.refusal.detail for a in answers if a.refusal)
    assert answers[-1].read == 2_001 + 2_000 + 10_001 + len(edit("k", "a")) + 3_000


def test_what_is_added_to_a_file_while_it_is_read_is_for_another_time() -> None:
    file = BytesIO(b"{}\n{}\n")
    read = lines_of(file, 6)
    first = next(read)
    file.seek(0, 2)
    file.write(b"{}\n" * 1_000)
    file.seek(3)
    assert [first.line, *(one.line for one in read)] == [1, 2]


def test_a_number_that_a_case_of_the_same_file_gets_is_found(log: Store) -> None:
    projector = Projector(log, projections())
    asked = []

    def find(wanted: Sequence[str]) -> dict[str, UUID]:
        asked.append(list(wanted))
        projector.catch_up()
        rows = projector.rows(
            "SELECT number, case_id FROM case_list WHERE number = ANY(%(n)s)", {"n": list(wanted)}
        )
        return {row["number"]: row["case_id"] for row in rows}

    number = f"{CALL}-0001"
    raw = b"".join(
        [
            start("a"),
            *(edit(f"k{n}", [number], contact_role=f"Rolle {n}") for n in range(50)),
        ]
    )
    answers = list(Importer(log, find).answers(lines_of(BytesIO(raw))))
    assert told(answers) == ["done"] * 51
    assert asked == [[number] * 50, [number]]


def test_a_dry_run_stores_nothing_and_says_what_then_happens(log: Store) -> None:
    pdf = base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()
    document = {"filename": "plan.pdf", "media_type": "application/pdf", "content": pdf}
    asked = [
        start("a"),
        edit("k1", "a"),
        line("k2", "attach", case={"key": "a"}, data=document),
        line("k3", "submit", case={"key": "a"}),
        edit("k4", "nobody"),
        edit("k1", "a"),
    ]
    before = facts(log)
    rehearsed = told(taken(log, *asked, dry_run=True))
    assert facts(log) == before
    with log.connection() as connection:
        assert connection.execute("SELECT count(*) FROM documents").fetchone() == (0,)
    assert rehearsed == ["done", "done", "done", "step-not-allowed", "not-found", "repeated"]
    assert told(taken(log, *asked)) == rehearsed
    assert told(taken(log, *asked, dry_run=True)) == [
        "repeated", "repeated", "repeated", "step-not-allowed", "not-found", "repeated",
    ]  # fmt: skip


def test_a_dry_run_counts_the_money_together(store: Store) -> None:
    service = Service(store)
    call = publish(service, "little", kroner(ore(GRANTED) * 3 // 2))
    cases = prepared(store, call, 2, *assessed(), declared("decider"))
    said = {"person": "imdi-decider", "role": "decider", "organisation": IMDI, "data": grant().data}
    asked = [line(f"k{n}", "grant", case=str(case), **said) for n, case in enumerate(cases)]
    assert told(taken(store, *asked, dry_run=True)) == ["done", "frame-exceeded"]
    assert told(taken(store, *asked)) == ["done", "frame-exceeded"]


def test_a_dry_run_does_not_tell_what_it_has_forgotten(log: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "CASES", 2)
    monkeypatch.setattr(rehearsal, "KEYS", 2)
    asked = [
        start("a"),
        start("b"),
        start("c"),
        edit("k1", "a"),
        start("a"),
        edit("k2", "c"),
        line("k3", case="n-1"),
    ]
    assert told(taken(log, *asked, dry_run=True)) == [
        "done",
        "done",
        "done",
        "untold",
        "untold",
        "done",
        "untold",
    ]
    assert told(taken(log, *asked)) == ["done", "done", "done", "done", "repeated", "done", "not-found"]


@pytest.mark.parametrize("step", ["edit", "grant"])
def test_when_the_database_goes_it_stops_at_once_and_tells_how_far_it_came(
    log: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(importer, "WINDOW_LINES", 3)
    more = {"edit": edit("m", "x"), "grant": line("m", "grant", case=str(BEGUN), data=grant().data)}[step]
    asked = [start("a"), edit("k1", "a"), edit("k2", "a", contact_role="Leder"), *[more] * 50]
    tried = []

    def gone(*_: Any) -> Any:
        tried.append(1)
        msg = "nobody is there"
        raise Unavailable(msg)

    answered = []
    with pytest.raises(Unavailable, match="nobody"):  # noqa: PT012
        for answer in Importer(log, lambda _: {}).answers(lines_of(BytesIO(b"".join(asked)))):
            answered.append(answer)
            monkeypatch.setattr(log, "load", gone)
    assert told(answered) == ["done"] * 3
    assert len(tried) <= 2


def test_a_file_that_can_be_read_no_further_is_told_so() -> None:
    class Broken(BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().readline(size)

    read = lines_of(Broken(b"{}\n{}\n"))
    assert next(read).line == 1
    with pytest.raises(lines.Unreadable, match="Input/output error"):
        next(read)
