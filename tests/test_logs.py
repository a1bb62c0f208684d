"""Logs: one line an event, JSON for machines, readable on a terminal, and never about a person."""

from __future__ import annotations

import io
import json
import logging
import warnings
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from steps import call_2023

from grantflow import logs
from grantflow.domain.rules import Condition, context_of

if TYPE_CHECKING:
    from collections.abc import Iterator

IDENTITY_NUMBER = "01017012345"


class Terminal(io.StringIO):
    """Something that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave logging as it was found: what is set up here is for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_what_a_condition_fell_over_is_not_logged() -> None:
    stream = io.StringIO()
    logs.set_up("info", stream=stream)
    context = context_of({"amount": "Kari sin lønn"}, call_2023().register, datetime(2023, 8, 14, tzinfo=UTC))
    assert Condition("money(amount) > 0").holds(context) is False
    assert stream.getvalue() == ""


def test_when_piped_each_event_is_one_line_of_json() -> None:
    stream = io.StringIO()
    logs.set_up("info", stream=stream)
    structlog.get_logger().info("handled", step="submit", position=7)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "handled", "level": "info", "step": "submit", "position": 7}


def test_on_a_terminal_it_is_for_people() -> None:
    stream = Terminal()
    logs.set_up("info", stream=stream)
    structlog.get_logger().info("handled", step="submit")
    assert "handled" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_json_is_given_on_a_terminal_too_when_asked_for() -> None:
    stream = Terminal()
    logs.set_up("info", "json", stream=stream)
    structlog.get_logger().info("handled")
    assert lines(stream)[0]["event"] == "handled"


def test_nothing_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("info")
    structlog.get_logger().info("handled")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "handled" in captured.err


@pytest.mark.parametrize(("keeps_running", "said"), [(False, ["refused"]), (True, ["handled", "refused"])])
def test_a_single_command_says_less_than_what_keeps_running(*, keeps_running: bool, said: list[str]) -> None:
    stream = io.StringIO()
    logs.set_up(keeps_running=keeps_running, stream=stream)
    structlog.get_logger().info("handled")
    structlog.get_logger().warning("refused")
    assert [line["event"] for line in lines(stream)] == said


def test_what_is_bound_to_a_command_stands_on_its_lines_only() -> None:
    stream = io.StringIO()
    logs.set_up("info", stream=stream)
    with logs.about(command="c-1"):
        structlog.get_logger().info("inside")
    structlog.get_logger().info("outside")
    assert [line.get("command") for line in lines(stream)] == ["c-1", None]


def test_a_logger_made_before_the_set_up_follows_it() -> None:
    early = structlog.get_logger("grantflow.early")
    stream = io.StringIO()
    logs.set_up("info", stream=stream)
    early.info("handled")
    assert len(lines(stream)) == 1


@pytest.mark.parametrize("name", sorted(logs.PRIVATE))
def test_who_somebody_is_and_what_they_wrote_is_left_out(name: str) -> None:
    stream = io.StringIO()
    logs.set_up("info", stream=stream)
    structlog.get_logger().info("handled", **{name: "Kari Nordmann"}, more={name: "Kari Nordmann"})
    assert "Kari" not in stream.getvalue()
    assert lines(stream)[0]["more"] == {}


@pytest.mark.parametrize("written", [IDENTITY_NUMBER, "010170 12345", f"fnr {IDENTITY_NUMBER}."])
def test_a_national_identity_number_is_masked_wherever_it_comes_from(written: str) -> None:
    stream = io.StringIO()
    logs.set_up("info", stream=stream)
    try:
        date.fromisoformat(written)
    except ValueError:
        structlog.get_logger().exception("failed", reasons=[written])
    logging.getLogger("library").warning("about %s", written)
    assert "12345" not in stream.getvalue()
    assert "ValueError" in lines(stream)[0]["exception"]


def test_digests_and_identifiers_are_not_mistaken_for_one() -> None:
    stream = io.StringIO()
    logs.set_up("info", stream=stream)
    case = "6f0a7d52-3c1e-5b7a-9a52-0c6f5d1f8e23.12"
    structlog.get_logger().info("handled", case=case, digest="a12345678901f", position=12345678901)
    line = lines(stream)[0]
    assert (line["case"], line["digest"], line["position"]) == (case, "a12345678901f", 12345678901)


def test_a_traceback_does_not_show_what_variables_held() -> None:
    for stream in (io.StringIO(), Terminal()):
        logs.set_up("info", stream=stream)
        applicant = "Kari" + "Nordmann"
        try:
            int(applicant[-1])
        except ValueError:
            structlog.get_logger().exception("failed")
        assert "ValueError" in stream.getvalue()
        assert "KariNordmann" not in stream.getvalue()


def test_libraries_and_warnings_are_heard_in_the_same_form() -> None:
    stream = io.StringIO()
    logs.set_up("info", stream=stream)
    logging.getLogger("apscheduler").info("chatter")
    logging.getLogger("apscheduler").warning("missed by %s s", 3)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    missed, old = lines(stream)
    assert (missed["event"], missed["logger"], missed["level"]) == ("missed by 3 s", "apscheduler", "warning")
    assert old["logger"] == "py.warnings"


def test_setting_up_again_replaces_what_was() -> None:
    first, second = io.StringIO(), io.StringIO()
    logs.set_up("info", stream=first)
    logs.set_up("info", stream=second)
    structlog.get_logger().info("handled")
    logging.getLogger("library").warning("once")
    assert first.getvalue() == ""
    assert len(lines(second)) == 2
