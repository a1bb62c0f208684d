"""The 2023 call played from publication to the last closed case, through the same service and clock as production."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from grantflow.demo import applying, areas, deciding, handling, paying, reporting, reversing
from grantflow.demo.cases import Case, cast
from grantflow.demo.people import Directorate
from grantflow.demo.stage import EnoughError, Refusal, Stage
from grantflow.demo.summary import AreasSummary, Summary, areas_summary_of, summary_of
from grantflow.domain.call import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from grantflow.app import App


class Story(msgspec.Struct, frozen=True):
    """Which story: the same number of applications and seed give the same events, to the byte.

    `until` is the first instant that is not played.
    """

    applications: int = 40
    seed: int = 2023
    until: datetime | None = None


class Year(msgspec.Struct, frozen=True):
    """A year that was played: the call it was about, its figures, and every refusal in order."""

    call: Call
    summary: Summary
    refusals: tuple[Refusal, ...]


class Afterword(msgspec.Struct, frozen=True):
    """The other call that was played, with areas and stages: its figures, and every refusal in order."""

    call: Call
    summary: AreasSummary
    refusals: tuple[Refusal, ...]


def play(
    app: App, files: Mapping[str, str], story: Story, watch: Callable[[datetime], None] = lambda _: None
) -> Year:
    """Play the call in `files`. `watch` is told of each instant as it comes."""
    call = Call.read(files)
    stage = Stage(app, call, story.seed, until=story.until, watch=watch)
    cases = cast(call, story.applications, story.seed)
    with suppress(EnoughError):
        _year(stage, cases, files)
    return Year(call, summary_of(stage, cases), tuple(stage.refusals))


def play_areas(
    app: App, files: Mapping[str, str], story: Story, watch: Callable[[datetime], None] = lambda _: None
) -> Afterword:
    """Play the call with areas and stages in `files`; it is the same whatever the seed and the number."""
    call = Call.read(files)
    stage = Stage(app, call, story.seed, until=story.until, watch=watch)
    with suppress(EnoughError):
        areas.play(stage, Directorate(call.authority), files)
    return Afterword(call, areas_summary_of(stage), tuple(stage.refusals))


def _year(stage: Stage, cases: list[Case], files: Mapping[str, str]) -> None:
    imdi = Directorate(stage.call.authority)
    applying.open_call(stage, imdi, files)
    applying.fill_in(stage, imdi, cases, files)
    applying.approve_and_submit(stage, cases)
    applying.pass_the_deadline(stage, imdi, cases)
    handling.handle(stage, imdi, _in_state(stage, cases, "submitted"))
    granted, rejected = deciding.decide(stage, imdi, _in_state(stage, cases, "assessed"))
    granted = reversing.reverse(stage, imdi, granted, rejected)
    paying.pay(stage, imdi, granted)
    reporting.report_and_settle(stage, imdi, granted)


def _in_state(stage: Stage, cases: list[Case], state: str) -> list[Case]:
    states = stage.app.service.states
    return [case for case in cases if case.id and states.case(case.id).state == state]
