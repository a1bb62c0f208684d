"""The two public rooms: what is found in them, and what a read model may see."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

import pytest

from grantflow import rooms
from grantflow.domain.errors import NotFound

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
from grantflow.projection import Projection
projection = Projection(name="{name}", question="How many?", tables={{}})
"""

QUESTION = """
from grantflow.question import Question
question = Question(number={number}, name="{name}", asks="How many?", law="R1", columns=(), answer=lambda history: ())
"""


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "." * node.level)
    return names


def test_the_calls_that_ship_are_found_with_the_process_and_registers_they_need() -> None:
    assert rooms.call_folders(None)
    assert list((rooms.room("workflows") / "processes").glob("*.toml"))
    assert list((rooms.room("workflows") / "registers").glob("*.csv"))


def test_a_further_folder_adds_its_calls_after_those_that_ship(tmp_path: Path) -> None:
    for name in ("b-call", "a-call", "no-call", ".hidden"):
        (tmp_path / name).mkdir()
    for name in ("a-call", "b-call"):
        (tmp_path / name / "call.toml").touch()
    found = rooms.call_folders(tmp_path)
    assert found == [*rooms.call_folders(None), tmp_path / "a-call", tmp_path / "b-call"]


def test_a_call_is_found_by_its_name(tmp_path: Path) -> None:
    (shipped,) = (folder for folder in rooms.call_folders(None) if folder.name == "imdi-2023-tillegg")
    for folder in (own := tmp_path / "more" / "own", twice := tmp_path / "more" / shipped.name):
        folder.mkdir(parents=True)
        (folder / "call.toml").touch()
    assert rooms.call_named("own", tmp_path / "more") == own
    assert rooms.call_named(f"{shipped.name}/", None) == shipped
    assert rooms.call_named(shipped.name, shipped.parent) == shipped
    (linked := tmp_path / "linked").symlink_to(shipped.parent)
    assert rooms.call_named(shipped.name, linked).samefile(shipped)
    with pytest.raises(NotFound, match=f"{shipped} and {twice}. Name the folder"):
        rooms.call_named(shipped.name, tmp_path / "more")
    with pytest.raises(NotFound, match=r"no folder 'own' here.*There are: .*imdi-2023-tillegg"):
        rooms.call_named("own", None)


def test_a_room_that_is_nowhere_is_said_so() -> None:
    with pytest.raises(FileNotFoundError, match="'cellar'"):
        rooms.room("cellar")


def test_every_read_model_has_a_name_and_a_question() -> None:
    for projection in rooms.projections():
        assert projection.name
        assert projection.question.endswith("?")
        assert projection.tables


def test_a_read_model_sees_events_and_the_pen_and_no_other_read_model() -> None:
    for path in rooms.room("projections").glob("*.py"):
        for name in imports_of(path):
            package = name.partition(".")[0]
            seen = (
                name.startswith(("grantflow.domain.", "grantflow.projection")) or name == "grantflow.domain"
            )
            assert seen or package in sys.stdlib_module_names, f"{path.name} imports {name}"


def test_the_modules_of_a_folder_are_its_read_models(tmp_path: Path) -> None:
    for name in ("second", "first", "_helper"):
        (tmp_path / f"{name}.py").write_text(MODULE.format(name=name))
    assert [projection.name for projection in rooms.projections(tmp_path)] == ["first", "second"]


def test_a_module_without_a_read_model_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("projection = 7\n")
    with pytest.raises(TypeError, match=r"empty\.py must hold one value `projection`"):
        rooms.projections(tmp_path)


def test_two_read_models_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / f"{name}.py").write_text(MODULE.format(name="same"))
    with pytest.raises(ValueError, match="same name"):
        rooms.projections(tmp_path)


def test_a_module_that_breaks_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        rooms.projections(tmp_path)
    assert "grantflow_projection_broken" not in sys.modules


def test_every_question_has_a_name_a_number_the_law_and_columns() -> None:
    known = rooms.questions()
    assert [question.number for question in known] == sorted({question.number for question in known})
    for question in known:
        assert question.name == question.name.lower()
        assert question.asks.endswith("?")
        assert question.law
        assert question.columns[:2] == ("case", "applicant") or "case" not in question.columns
        assert len(set(question.columns)) == len(question.columns)


def test_a_question_sees_events_and_the_history_and_no_other_question() -> None:
    paths = list((rooms.room("projections") / "questions").glob("*.py"))
    assert len(paths) == len(rooms.questions())
    for path in paths:
        for name in imports_of(path):
            package = name.partition(".")[0]
            seen = name.startswith("grantflow.domain.") or name in ("grantflow.history", "grantflow.question")
            assert seen or package in {*sys.stdlib_module_names, "msgspec"}, f"{path.name} imports {name}"


def test_the_modules_of_a_folder_are_its_questions_by_their_numbers(tmp_path: Path) -> None:
    for number, name in ((2, "alpha"), (1, "beta")):
        (tmp_path / f"{name}.py").write_text(QUESTION.format(number=number, name=name))
    (tmp_path / "_helper.py").write_text("1 / 0")
    assert [question.name for question in rooms.questions(tmp_path)] == ["beta", "alpha"]


@pytest.mark.parametrize(("other", "what"), [((2, "one"), "name"), ((1, "two"), "number")])
def test_two_questions_of_one_name_or_number_are_refused(
    tmp_path: Path, other: tuple[int, str], what: str
) -> None:
    (tmp_path / "one.py").write_text(QUESTION.format(number=1, name="one"))
    (tmp_path / "two.py").write_text(QUESTION.format(number=other[0], name=other[1]))
    with pytest.raises(ValueError, match=f"Two questions have the same {what}"):
        rooms.questions(tmp_path)


def test_a_module_without_a_question_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("question = 7\n")
    with pytest.raises(TypeError, match=r"empty\.py must hold one value `question`"):
        rooms.questions(tmp_path)
