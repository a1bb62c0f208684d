"""What a call declares and its process can't carry out, or the other way about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.inspection.tables import names, text, within

if TYPE_CHECKING:
    from grantflow.inspection.outline import Outline
    from grantflow.inspection.source import Source, Where


def check_needs(source: Source, process: Outline) -> None:
    """Each part of the call that needs a step has it, in every area where that matters."""
    call = source.value
    if within(call, "state_aid").get("required") is True:
        _step(source, process, ("state_aid",), "assess-state-aid", "grant")
    if "consultation" in call:
        for step in ("consult", "record-statement"):
            _step(source, process, ("consultation",), step, "assess")
    for where, _ in list(source.tables("criteria"))[:1]:
        _step(source, process, where[:1], "score", "assess")
    _reporting(source, process)
    regime = within(call, "legal_regime")
    if regime.get("appeal") is True and not text(regime, "appeal_body").strip():
        source.add(
            ("legal_regime", "appeal"), "an appeal needs the body that decides it: 'appeal_body' (fvl § 28)"
        )


def _step(source: Source, process: Outline, where: Where, needed: str, before: str) -> None:
    """Where applications come to the step `before`, they must be able to come to `needed` as well."""
    without = [
        area
        for area in names(source.tables("areas")) or [""]
        if before in process.within(area) and needed not in process.within(area)
    ]
    if without:
        there = f"in the area '{without[0]}'" if without[0] and needed in process.steps else "in the process"
        source.add(where, f"'{where[-1]}' needs the step '{needed}', and there is none {there}")


def _reporting(source: Source, process: Outline) -> None:
    reports, declared = "submit-report" in process.steps, "reporting" in source.value
    if reports and not declared:
        source.add(
            (), "the process has the step 'submit-report', and the call doesn't say who reports: [reporting]"
        )
    if declared and not reports:
        source.add(
            ("reporting",), "'reporting' needs the step 'submit-report', and there is none in the process"
        )
