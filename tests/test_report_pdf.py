"""The report of a pack: an archive's PDF that says what was found, whatever people have written."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from asked import questions
from gathered import gathered
from given import Given
from pypdf import PdfReader
from steps import call_2023, content, paid, submitted

from grantflow.evidence.answers import Answered, answered
from grantflow.evidence.readable import _SHOWN, printable, readable
from grantflow.evidence.report import MOST_ROWS, report
from grantflow.evidence.selecting import Scope, Selected
from grantflow.ledger.note import Checkpoint
from grantflow.question import Question, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.history import History

AT = datetime(2024, 5, 2, 9, 30, tzinfo=UTC)
SEAL = Checkpoint("example.org/ledger", 4_711, bytes(range(32)))
CALL = call_2023()
TITLE = 'Čáhcesuolu #eval("1+1") $x$ @ref <a> \\ *b* _c_ `d` /* e */ // f \U0001f600 漢 \u202e đŋšŧž'


@pytest.fixture(scope="module")
def history() -> History:
    own = content()["project"] | {"title": TITLE}
    return gathered(CALL, Given(CALL, *submitted(project=own)), Given(CALL, *paid()))


def selected(history: History, number: str = "") -> Selected:
    positions = [entry.position for entry in history.entries]
    scope = Scope(case=history.cases[0].id) if number else Scope(call=CALL.id)
    return Selected(scope, CALL.id, number, len(history.cases), positions, 0)


def reported(history: History, answers: Sequence[Answered] = (), left_out: Sequence[str] = ()) -> PdfReader:
    return PdfReader(io.BytesIO(report(selected(history), SEAL, history, answers, AT, left_out)))


def text_of(pdf: PdfReader) -> str:
    return "".join(page.extract_text() for page in pdf.pages).replace("\n", " ").replace("\u200b", "")


def answer(rows: Sequence[dict[str, Any]], *, breaches: bool = True) -> Answered:
    columns = tuple(rows[0]) if rows else ("case",)
    asked = Question(
        9, "four-eyes", "Did one do what two must?", "bestemmelser 2.5.2.2", columns, lambda _: (), breaches
    )
    return Answered(asked, [Row(found, ("e.1",)) for found in rows])


def test_it_is_an_archives_pdf_that_can_be_read_aloud(history: History) -> None:
    pdf = reported(history)
    assert pdf.metadata is not None
    assert pdf.metadata.title == f"Bevis for utlysningen {CALL.id}"
    catalogue: Any = pdf.trailer["/Root"]
    assert catalogue["/Lang"] == "nb"
    assert catalogue["/MarkInfo"]["/Marked"]
    told = catalogue["/Metadata"].get_object().get_data().decode()
    for said in (
        "<pdfaid:part>2</pdfaid:part>",
        "<pdfaid:conformance>A</pdfaid:conformance>",
        "<pdfuaid:part>1<",
    ):
        assert said in told


def test_it_says_what_was_examined_and_on_what_seal(history: History) -> None:
    text = text_of(reported(history))
    for said in (
        CALL.names["nb"][:40],
        SEAL.origin,
        "4\u00a0711",
        SEAL.root.hex(),
        "2 saker",
        "Side 1 av",
        "800\u00a0000\u00a0kr",
    ):
        assert said.replace("\u00a0", " ") in text.replace("\u00a0", " "), said


def test_every_question_is_in_it_with_its_law(history: History) -> None:
    answers = list(answered(selected(history), history, list(questions().values())))
    text = text_of(reported(history, answers)).replace(" ", "")
    assert len(answers) == len(questions()) == 27
    for question in questions().values():
        assert f"{question.number}.{question.name}" in text
        assert question.law.replace(" ", "") in text


def test_no_breach_is_an_answer(history: History) -> None:
    text = text_of(reported(history, [answer([])]))
    assert f"Ingen brudd funnet blant 2 saker og {len(history.entries)} hendelser." in text.replace(
        "\u00a0", " "
    )


def test_breaches_come_first_and_no_more_rows_than_one_reads(history: History) -> None:
    rows = [{"case": f"case-{n:03d}", "breach": "broken" if n >= 60 else ""} for n in range(70)]
    text = text_of(reported(history, [answer(rows, breaches=False)]))
    assert "10 brudd blant 70 rader." in text.replace("\u00a0", " ")
    assert "case-069" in text
    assert "case-059" not in text
    assert f"og {70 - MOST_ROWS} til: se answers/09-four-eyes.csv" in text.replace("\u00a0", " ")


def test_what_people_write_is_never_read_as_anything_but_text(history: History) -> None:
    hostile = answer(
        [{"text": TITLE, "breach": '#panic("x") ] ) } "'}, {"text": {TITLE: [TITLE]}, "breach": ""}]
    )
    text = text_of(reported(history, [hostile], left_out=()))
    for said in (
        '#eval("1+1") $x$ @ref <a>',
        "*b* _c_ `d`",
        "[U+1F600]",
        "[U+6F22]",
        "[U+202E]",
        '#panic("x") ] ) } "',
    ):
        assert said in text, said
    assert "Čáhcesuolu" in text
    assert "đŋšŧž" in text


def test_where_anything_is_left_out_it_holds_counts_and_nothing_else(history: History) -> None:
    rows = [{"case": "planted-in-a-row", "breach": "planted too"}]
    text = text_of(reported(history, [answer(rows)], left_out=["stamp.person"]))
    assert "stamp.person" in text
    assert "1 brudd." in text
    for planted in ("planted", "Oslo", history.cases[0].number, "Utbetalt"):
        assert planted not in text.replace("(norsk tid)", "")


def test_the_same_input_gives_the_same_bytes(history: History) -> None:
    made = [report(selected(history), SEAL, history, [answer([{"case": "a"}])], AT) for _ in range(2)]
    assert made[0] == made[1]


def test_a_report_of_a_case_names_it(history: History) -> None:
    made = report(selected(history, "imdi-2023-tillegg-0042"), SEAL, history, (), AT)
    assert "Bevis for saken imdi-2023-tillegg-0042" in text_of(PdfReader(io.BytesIO(made)))


def test_the_font_has_every_character_that_is_let_through(history: History) -> None:
    """A character that it lacks would stop the whole report: PDF/A allows none."""
    every = [chr(code) for first, last in _SHOWN for code in range(first, last + 1)]
    rows = [{"text": " ".join(every[start : start + 60])} for start in range(0, len(every), 60)]
    for start in range(0, len(rows), MOST_ROWS):
        reported(history, [answer(rows[start : start + MOST_ROWS])])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""), (True, "ja"), (7, "7"), ("2023-10-01", "01.10.2023"), ("a" * 64, "a" * 12 + "…"),
        ("2023-08-28T21:59:59.999999+00:00", "28.08.2023 23.59.59,999"),
        ("2023-99-99T99:99:99Z", "2023-99-99T99:99:99Z"),
        (["a", None, "b"], "a; b"), ({"to": "x", "on": "2023-10-01"}, "to x, on 01.10.2023"),
        ("x" * 30, f"{'x' * 12}\u200b{'x' * 12}\u200b{'x' * 6}"),
        ("a\nb\x00", "a b[U+0000]"), ("\ud800", "[U+D800]"), ("A\u030a", "Å"),
    ],
)  # fmt: skip
def test_values_are_short_and_said_as_in_norway(value: object, shown: str) -> None:
    assert readable(value) == shown


def test_a_long_text_is_cut() -> None:
    assert len(readable("ord " * 100)) <= 160
    assert printable("ord " * 100) == "ord " * 100
