"""The process as a picture: every state and way, and the path one case took."""

from xml.etree import ElementTree as ET

from given import CASE, Given
from steps import call_2023, submitted

from grantflow.domain.event import Entry
from grantflow.drawing import mermaid, picture_of, svg

SVG = "{http://www.w3.org/2000/svg}"


def history() -> list[Entry]:
    """The history of a case that was submitted."""
    events = Given(call_2023(), *submitted()).events
    return [Entry(CASE, n, event) for n, event in enumerate(events, start=1)]


def ways() -> set[tuple[str, str]]:
    return {(origin, target) for origin, _, target in call_2023().process.arrows if origin != target}


def test_mermaid_text_has_every_state_and_every_way_with_roles_and_deadlines() -> None:
    text = mermaid(picture_of(call_2023(), "nb"))
    for state in call_2023().process.states.values():
        assert f'state "{state.name["nb"]}" as {state.id.replace("-", "_")}' in text
    for origin, target in ways():
        start = "[*]" if origin == "new" else origin.replace("-", "_")
        assert f"{start} --> {target.replace('-', '_')} : " in text
    assert "Send inn (applicant, director, 28.08.2023)" in text


def test_a_drawing_has_every_state_and_way_and_says_what_it_shows() -> None:
    root = ET.fromstring(svg(picture_of(call_2023(), "nn")))  # noqa: S314 - our own drawing
    assert {box.get("data-state") for box in root.iter(f"{SVG}rect")} - {None} == set(
        call_2023().process.states
    )
    drawn = {
        tuple(str(path.get("data-way")).split()) for path in root.iter(f"{SVG}path") if path.get("data-way")
    }
    assert drawn == ways()
    assert root.findtext(f"{SVG}title") == call_2023().names["nn"]
    assert "href" not in svg(picture_of(call_2023(), "nn")), "nothing outside the file is needed"


def test_the_path_of_a_case_is_marked_with_its_days_and_nothing_else_is() -> None:
    picture = picture_of(call_2023(), "en", history())
    passed = {(way.origin, way.target) for way in picture.ways if way.passed}
    assert passed == {
        ("new", "draft"),
        ("draft", "approved-by-director"),
        ("approved-by-director", "submitted"),
    }
    root = ET.fromstring(svg(picture))  # noqa: S314 - our own drawing
    marked = {box.get("data-state") for box in root.iter(f"{SVG}rect") if box.get("data-passed") == "true"}
    assert marked == {"draft", "approved-by-director", "submitted"}
    assert "✓ 14.08.2023" in mermaid(picture)
