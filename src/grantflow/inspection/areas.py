"""What can be wrong with the areas and stages of a call: money that doesn't add up, names that nothing declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.domain.money import kr, ore
from grantflow.inspection.finding import nearest
from grantflow.inspection.tables import check_known, names, text, texts

if TYPE_CHECKING:
    from grantflow.inspection.outline import Outline
    from grantflow.inspection.source import Source

_OF_AREAS = ("deadlines", "criteria", "themes", "rules")
_OF_STAGES = ("deadlines", "criteria", "rules")


def check_areas(source: Source, process: Outline | None) -> None:
    """An area has applicants, and a part of the frame that there is room for; what names an area names one that is."""
    for where, area in source.tables("areas"):
        if area.get("applicants") == []:
            source.add((*where, "applicants"), f"nobody can apply in the area '{text(area, 'id')}'")
    _applicants(source)
    _frames(source)
    known, missing = names(source.tables("areas")), "the call has no area"
    for key in _OF_AREAS:
        for where, table in source.tables(key):
            check_known(source, where, table, "areas", known, missing)
    if process is not None:
        for step, table in process.steps.items():
            check_known(process.source, process.places[step], table, "areas", known, missing)


def _applicants(source: Source) -> None:
    """Without areas, a rule says who may apply: one that is asked when a case begins, about the applicant."""
    first = names(source.tables("stages"))[:1]
    asked = any(
        "start" in texts(rule, "when")
        and "applicant_organisation" in text(rule, "require")
        and (not texts(rule, "stages") or set(first) & set(texts(rule, "stages")))
        for _, rule in source.tables("rules")
    )
    if not asked and not list(source.tables("areas")) and isinstance(source.value.get("rules"), list):
        source.add(
            ("rules",),
            "nothing says who may apply: name `applicants` in each area, or write a rule for 'start' that asks of "
            "facts.applicant_organisation",
        )


def _frames(source: Source) -> None:
    """The parts of the frame are amounts, and together no more than the frame."""
    parts = 0
    for where, area in source.tables("areas"):
        try:
            parts += ore(text(area, "frame")) if text(area, "frame") else 0
        except ValueError as error:
            source.add((*where, "frame"), str(error))
    try:
        whole = ore(text(source.value, "frame"))
    except ValueError:
        return
    if parts > whole:
        source.add(("areas",), f"the areas' parts come to {kr(parts)}, and the frame is {kr(whole)}")


def check_stages(source: Source, process: Outline | None) -> None:
    """What names a stage names a declared one; a stage after the first is opened by a step, and only such a one."""
    known, missing = names(source.tables("stages")), "the call has no stage"
    for key in _OF_STAGES:
        for where, table in source.tables(key):
            check_known(source, where, table, "stages", known, missing)
    if process is not None:
        _opened(source, process, known)


def _opened(source: Source, process: Outline, stages: list[str]) -> None:
    opened = set()
    for step, table in process.steps.items():
        stage, where = text(table, "opens"), (*process.places[step], "opens")
        opened.add(stage)
        if stage and stage not in stages:
            process.source.add(where, f"the call has no stage '{stage}'{nearest(stage, stages)}")
        elif stage and stage == stages[0]:
            process.source.add(where, f"'{stage}' is the stage that cases begin at; no step opens it")
    for where, table in source.tables("stages"):
        stage = text(table, "id")
        if stage in stages[1:] and stage not in opened:
            source.add(
                (*where, "id"), f"no step opens the stage '{stage}', so nothing is ever asked for there"
            )
