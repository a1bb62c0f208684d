"""`call check` says what is wrong with notices, at its line; and what could go wrong in a template can't be in one."""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps import CALL_FOLDER, call_2023

from grantflow.definitions import definition_files
from grantflow.domain.call import Call, DefinitionError
from grantflow.domain.notice_rules import NOTICES
from grantflow.domain.wording import LONGEST, BadWordingError, Wording
from grantflow.inspection import inspect

if TYPE_CHECKING:
    from pathlib import Path

RECEIPT = 'on = "receipt-issued"'
ESCALATION = 'deadline = "report"\ndays_after = 21'
BROKEN = [
    (RECEIPT, 'on = "receipt-isued"', "no notice can be about 'receipt-isued'; did you mean 'receipt-issued'?"),
    (RECEIPT, 'on = "criterion-scored"', "no notice can be about 'criterion-scored'"),
    (RECEIPT, 'on = "stage-opend"', "no notice can be about"),
    ('to = ["applicant"]', 'to = ["aplicant"]', "nobody can be told in the role 'aplicant'; did you mean 'applicant'?"),
    ('to = ["applicant"]', 'to = ["auditor"]', "nobody can be told in the role 'auditor'"),
    ('to = ["applicant"]', "to = []", "goes to nobody: 'to' is empty"),
    ('channels = ["portal", "email"]', 'channels = ["portal", "sms"]', "can't be 'sms'"),
    ('channels = ["portal", "email"]', "channels = []", "goes to nobody: 'channels' is empty"),
    (ESCALATION, 'deadline = "raport"\ndays_after = 21', "the call has no deadline 'raport'; did you mean 'report'?"),
    (
        ESCALATION,
        'deadline = "application"\ndays_after = 21',
        "when 'application' passes, the case leaves every state in which it waits for it: this could never be sent",
    ),
    (ESCALATION, 'deadline = "report"\ndays_after = 0', "'days_after' must be at least 1"),
    (ESCALATION, 'deadline = "report"', "the notice 'report-escalation' is never sent"),
    (ESCALATION, 'on = "marked-overdue"\ndays_after = 3', "not both"),
    ('deadline = "application"', 'deadline = "report"\nwithin = 3', "unknown key 'within'"),
    ('on = "marked-overdue"\ndeadline = "report"', 'on = "marked-overdue"\ndeadline = "application"',
     "'marked-overdue' never comes of the deadline 'application'"),
    ('id = "payment"', 'id = "receipt"', "'receipt' stands twice in notices"),
    ('id = "payment"', 'id = "utbetaling"', "there is no file 'notices/utbetaling.nb.txt' in the call's folder"),
    ('nn = "Søknaden er motteken: {{ title }}"', 'nn = ""', "'subject' has no text in nn"),
    ("{{ amount }}", "{{ amont }}", "nothing is filled in for 'amont' here; did you mean 'amount'?"),
    ("{{ amount }}", "{{ limit }}", "nothing is filled in for 'limit' here"),
    ("{{ amount }}", "{{ amount", "expected 'end of print statement'"),
    ("{{ amount }}", "{{ amount | upper }}", "here it has Filter"),
    ('digest = "daily"', 'digest = "weekly"', "can't be 'weekly'"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "call"
    shutil.copytree(CALL_FOLDER, copy)
    return copy


@pytest.mark.parametrize(("old", "new", "says"), BROKEN, ids=[says for _, _, says in BROKEN])
def test_what_is_wrong_with_a_notice_is_told_with_its_line(
    folder: Path, old: str, new: str, says: str
) -> None:
    file = folder / NOTICES
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    begin = text[: text.index(old)].count("\n") + 1
    found = [one for one in inspect(folder) if says in one.message]
    assert found, [str(one) for one in inspect(folder)]
    assert found[0].file == str(file)
    assert begin - 3 <= found[0].line <= begin + 6, found[0]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("Hei\n{{ nobody }}\n", 2, "nothing is filled in for 'nobody' here"),
        ("Hei\n\n{% if title %}\n", 3, "end of template"),
        ("{% for one in title %}{{ one }}{% endfor %}", 1, "here it has For"),
        ("{{ title.upper() }}", 1, "here it has Call"),
        ("{{ ().__class__ }}", 1, "here it has"),
        ("{{ title * 99999999 }}", 1, "here it has Mul"),
        ("Hei\n{% if title < 3 %}x{% endif %}", 2, "a notice compares with == and != only"),
        (
            "{% if title %}\n{{ 'x' if title == 'a' in 3 }}{% endif %}",
            2,
            "a notice compares with == and != only",
        ),
        ("{% set x = title %}{{ x }}", 1, "here it has Assign"),
        ("{% include 'call.toml' %}", 1, "here it has Include"),
        ("  \n", 1, "the text is empty"),
    ],
)
def test_what_is_wrong_with_a_text_is_told_in_that_file_with_its_line(
    folder: Path, text: str, line: int, says: str
) -> None:
    file = folder / "notices" / "receipt.nn.txt"
    file.write_text(text, encoding="utf-8")
    found = [one for one in inspect(folder) if says in one.message]
    assert [(one.file, one.line) for one in found[:1]] == [(str(file), line)], [
        str(one) for one in inspect(folder)
    ]
    if text.strip():
        with pytest.raises(DefinitionError):
            Call.read(definition_files(folder))


def test_a_text_that_is_missing_is_told_where_it_is_named(folder: Path) -> None:
    (folder / "notices" / "receipt.nn.txt").unlink()
    (found,) = inspect(folder)
    assert found.file == str(folder / NOTICES)
    assert found.message == "there is no file 'notices/receipt.nn.txt' in the call's folder"


def test_a_call_without_notices_has_none_and_nothing_is_wrong_with_that(folder: Path) -> None:
    (folder / NOTICES).unlink()
    shutil.rmtree(folder / "notices")
    assert inspect(folder) == []
    call = Call.read(definition_files(folder))
    assert call.notices is None
    assert call.digest != call_2023().digest


def test_every_text_is_part_of_what_the_digest_addresses(folder: Path) -> None:
    before = Call.read(definition_files(folder))
    file = folder / "notices" / "receipt.nn.txt"
    file.write_text(file.read_text(encoding="utf-8") + "Ei linje til.\n", encoding="utf-8")
    assert Call.read(definition_files(folder)).digest != before.digest


def test_a_text_outside_the_folder_is_not_read(folder: Path) -> None:
    file = folder / NOTICES
    text = file.read_text(encoding="utf-8").replace(
        'id = "payment"', 'id = "payment"\ntext = "../../secret"', 1
    )
    file.write_text(text, encoding="utf-8")
    assert any("stands outside the call's folder" in one.message for one in inspect(folder))
    with pytest.raises(DefinitionError):
        definition_files(folder)


def test_what_can_not_be_put_is_a_value_error_whatever_was_filled_in() -> None:
    class Odd(str):
        __slots__ = ()

        def __str__(self) -> str:
            msg = "no text"
            raise TypeError(msg)

    with pytest.raises(ValueError, match="no text"):
        Wording("{{ title }}").text({"title": Odd("x")})


@given(st.text(alphabet=st.sampled_from("{}%# ifelsndtor().*'\"|_1a\n<>=!"), max_size=60))
def test_any_text_is_a_template_that_can_be_put_or_is_refused_as_none(text: str) -> None:
    with suppress(BadWordingError):
        words = Wording(text)
        said = dict.fromkeys(words.names, "x")
        assert len(words.text(said)) <= LONGEST + 1
        assert "\n" not in words.subject(said)


@given(st.text(max_size=200))
def test_what_is_filled_in_is_never_a_template_itself_and_a_subject_is_one_line(value: str) -> None:
    put = Wording("Til {{ title }}.")
    assert " ".join(value.split()) in " ".join(put.text({"title": value}).split()) or not value.strip()
    assert len(put.subject({"title": value}).splitlines()) <= 1
