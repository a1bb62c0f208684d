"""Afterword: another call, in two stages and three areas, with applicants, criteria and money of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.demo.areas.decisions import apply_in_full, decide, pay, report_back
from grantflow.demo.areas.projects import TOO_LATE, Project, projects
from grantflow.demo.areas.sketches import apply, open_call, read_sketches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grantflow.demo.people import Directorate
    from grantflow.demo.stage import Stage

__all__ = ["Project", "play"]


def play(stage: Stage, imdi: Directorate, files: Mapping[str, str]) -> list[Project]:
    """From publication in June 2024 to the last report in January 2026."""
    told = projects()
    open_call(stage, imdi, files)
    apply(stage, told)
    sketches = [one for one in told if one.number != TOO_LATE]
    invited = read_sketches(stage, imdi, sketches)
    apply_in_full(stage, invited)
    granted = decide(stage, imdi, invited)
    pay(stage, imdi, granted)
    report_back(stage, imdi, granted)
    return told
