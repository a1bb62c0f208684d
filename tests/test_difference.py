"""What changed in a case between two instants, field by field."""

from given import Given
from steps import approved, call_2023, drafted, edited

from grantflow.domain.difference import Change, difference


def test_an_edit_shows_the_field_before_and_after_and_nothing_else() -> None:
    before = Given(call_2023(), *drafted()).case
    after = Given(call_2023(), *drafted(), edited("project", title="Et annet navn")).case
    assert difference(before, after) == [Change("content.project.title", "Rett i jobb", "Et annet navn")]


def test_what_was_not_there_before_is_shown_by_its_parts() -> None:
    before, after = Given(call_2023(), *drafted()).case, Given(call_2023(), *drafted(), approved()).case
    paths = {change.path: change for change in difference(before, after)}
    assert paths["approval.capacity"] == Change("approval.capacity", None, "municipal-director")
    assert paths["state"] == Change("state", "draft", "approved-by-director")


def test_a_list_that_grows_shows_what_was_added() -> None:
    reference = {"title": "Ett til", "year": 2022, "results": "Bra."}
    given = Given(call_2023(), *drafted())
    references = [*given.case.content["project"]["references"], reference]
    after = given.and_then(edited("project", references=references)).case
    paths = [change.path for change in difference(given.case, after)]
    assert paths == [f"content.project.references[1].{name}" for name in ("title", "year", "results")]


def test_nothing_differs_between_a_case_and_itself() -> None:
    case = Given(call_2023(), *drafted()).case
    assert difference(case, case) == []
