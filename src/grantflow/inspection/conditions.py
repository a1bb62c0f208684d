"""Whether the expressions in call.toml compile, whether what they name exists, and whether they give what is asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from grantflow.domain.call_file import APPLICATION_FORM
from grantflow.domain.rules import FACTS, Condition
from grantflow.inspection.expression import read
from grantflow.inspection.fields import field_path, with_choices
from grantflow.inspection.kinds import look_through
from grantflow.inspection.missing import missing
from grantflow.inspection.other_words import other_words
from grantflow.inspection.tables import names, text, texts, within
from grantflow.inspection.values import LIST, NUMBER, ORE, TEXT, YES_OR_NO, Value, in_words, one_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from grantflow.domain.schema import Schema
    from grantflow.inspection.expression import Node
    from grantflow.inspection.source import Source, Where

_REASON = re.compile(r"ERROR: <input>:\d+:\d+: (?P<reason>.*)")
_START, _REPORT = "start", "submit-report"

READ_AS = {
    "title": TEXT, "asked": NUMBER, "eligible": NUMBER, "own_contribution": NUMBER, "participants": NUMBER,
    "partners": LIST, "themes": LIST, "district": TEXT, "exemption_needed": YES_OR_NO,
    "starts_on": TEXT, "ends_on": TEXT,
}  # fmt: skip
"""What kind each expression of [application] must give; amounts are øre."""


class Asked(msgspec.Struct, frozen=True):
    """A place where an expression is asked, and what it can name there."""

    at: str
    names: dict[str, Value]


def check_conditions(
    source: Source, forms: Mapping[str, Schema], report: Schema, places: Mapping[str, set[str]] | None
) -> None:
    """Check every expression of the call.

    `forms` are the stages' own by stage, `report` that of report and accounts; those that can't be read are empty.
    `places` says at which stages each step can be taken, None where the process does not say.
    """
    facts = _facts(source, forms)
    forms = {stage: _with_themes(source, form) for stage, form in forms.items()}
    for where, rule in source.tables("rules"):
        asked = [
            Asked(_told(step, stage, forms), {"facts": facts, **_content(step, forms[stage], report)})
            for step in texts(rule, "when")
            for stage in forms
            if (stage in texts(rule, "stages") if texts(rule, "stages") else _comes(step, stage, places))
            if step == _START or (forms[stage] and (report or step != _REPORT))
        ]
        if isinstance(rule.get("require"), str):
            _check(source, (*where, "require"), rule["require"], asked, YES_OR_NO)
        _path(source, where, rule, [*forms.values(), *([report] if _REPORT in texts(rule, "when") else [])])
    application = [Asked("", _sections(form)) for form in forms.values()] if all(forms.values()) else []
    for name, kind in READ_AS.items():
        expression = text(within(source.value, "application"), name)
        _check(source, ("application", name), expression, application, kind)
    booked = text(within(source.value, "reporting"), "booked")
    _check(source, ("reporting", "booked"), booked, [Asked("", _sections(report))] if report else [], NUMBER)
    consulted = text(within(source.value, "consultation"), "require")
    _check(source, ("consultation", "require"), consulted, application, YES_OR_NO)


def _check(source: Source, where: Where, expression: str, asked: Sequence[Asked], kind: str) -> None:
    """Compile an expression and look it through at each place where it is asked.

    A rule must be right at every place. What reads the case (its places have no name) sees what was filled in at any
    stage, so it is wrong only where no stage has it right.
    """
    if not expression.strip():
        return
    try:
        Condition(expression)
        tree = read(expression)
    except ValueError as error:
        found = _REASON.search(str(error))
        reasons = other_words(expression) or [found["reason"] if found else str(error)]
        for reason in reasons:
            source.add(where, f"the expression does not compile: {reason}")
        return
    told: dict[str, list[str]] = {}
    for place in asked:
        for fault in _faults(tree, place, kind):
            told.setdefault(fault, []).append(place.at)
    for fault, places in told.items():
        if len(places) == len(asked):
            source.add(where, fault)
        elif places[0]:
            source.add(where, f"{places[0]}: {fault}")


def _faults(tree: Node, place: Asked, kind: str) -> list[str]:
    try:
        value, faults = look_through(tree, place.names)
        faults += missing(tree, place.names, must_hold=bool(place.at))
    except RecursionError:
        return ["the expression is too long to be looked through; make several rules of it"]
    if value.kind not in ("", kind):
        faults.append(f"this gives {in_words(value.kind)}, and {in_words(kind)} is needed")
    return faults


def _path(source: Source, where: Where, rule: dict[str, Any], forms: Iterable[Schema]) -> None:
    """A rule's path is a field of one of the forms that it is asked about."""
    path, known = text(rule, "path"), [form for form in forms if form]
    wrong = [field_path(path, form) for form in known] if path else []
    if wrong and all(wrong):
        source.add((*where, "path"), wrong[0])


def _comes(step: str, stage: str, places: Mapping[str, set[str]] | None) -> bool:
    return places is None or step not in places or stage in places[step]


def _content(step: str, form: Schema, report: Schema) -> dict[str, Value]:
    """What a rule can name at a step beside the facts: nothing is filled in when a case begins."""
    if step == _START:
        return {}
    return {**_sections(form), **(_sections(report) if step == _REPORT else {})}


def _told(step: str, stage: str, forms: Mapping[str, Schema]) -> str:
    words = [f"at '{step}'"] if step else []
    return ", ".join([*words, *([f"at the stage '{stage}'"] if len(forms) > 1 else [])])


def _sections(form: Schema) -> dict[str, Value]:
    sections = form.get("properties")
    known = sections if isinstance(sections, dict) else {}
    return {name: Value(section, form) for name, section in known.items()}


def _facts(source: Source, forms: Mapping[str, Schema]) -> Value:
    """What a rule can ask of the case itself, each fact with its kind."""
    some, number = {"type": "string"}, {"type": "integer"}
    themes = names(source.tables("themes"))
    known: dict[str, Schema] = {
        "applicant_organisation": some,
        "area": one_of("area", [*names(source.tables("areas")), ""]),
        "stage": one_of("stage", list(forms)),
        "state": some,
        "year": number,
        "themes": {"type": "array", "items": one_of("theme", themes) if themes else some},
        "asked": ORE,
        "granted": ORE,
        "conditions": {"type": "array", "items": some},
    }
    schema: Schema = {"properties": {name: known.get(name, {}) for name in FACTS}, "required": list(FACTS)}
    return Value(schema, schema)


def _with_themes(source: Source, form: Schema) -> Schema:
    """The form with the call's themes as the choices of the field that [application] reads them from."""
    themes = names(source.tables("themes"))
    expression = text(within(source.value, "application"), "themes")
    path = expression.strip().split(".")
    if not themes or not all(part.isidentifier() for part in path):
        return form
    return with_choices(form, form, path, one_of("theme", themes))


def stage_forms(source: Source) -> dict[str, tuple[Where, str]]:
    """The form of each stage, with the place that names it; the only stage of a call that declares none."""
    declared = {
        text(table, "id"): ((*where, "form"), text(table, "form") or APPLICATION_FORM)
        for where, table in source.tables("stages")
        if text(table, "id")
    }
    return declared or {"application": (("application",), APPLICATION_FORM)}
