"""Whether the conditions in call.toml compile, and whether the variables, functions and fields they name exist."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from grantflow.domain.rules import FACTS, FUNCTIONS, Condition
from grantflow.inspection.fields import field_path, unknown_fields
from grantflow.inspection.finding import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grantflow.domain.schema import Schema
    from grantflow.inspection.source import Source, Where

BUILT_IN = frozenset(
    {"size", "has", "all", "exists", "exists_one", "map", "filter", "startsWith", "endsWith", "contains", "matches",
     "int", "uint", "double", "string", "bool", "type", "duration", "timestamp", "dyn", "bytes"}
)  # fmt: skip
"""CEL's own functions and macros."""
_REPORT = "submit-report"
_REASON = re.compile(r"ERROR: <input>:\d+:\d+: (?P<reason>.*)")
_BINDING = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_]\w*)\s*,")


def check_conditions(source: Source, application: Schema, report: Schema) -> None:
    """Check every rule's condition and path, and the consultation's; the forms are empty where they can't be read."""
    for where, rule in source.tables("rules"):
        when = rule.get("when")
        steps = when if isinstance(when, list) else []
        of_report = _REPORT in steps
        variables = _variables(application, report if of_report else {}, begun=steps != ["start"])
        if isinstance(rule.get("require"), str):
            _condition(source, (*where, "require"), rule["require"], variables)
        path = rule.get("path")
        if isinstance(path, str) and path and application:
            both = {"properties": {**_sections(application), **(_sections(report) if of_report else {})}}
            root = {**both, "$defs": {**application.get("$defs", {}), **report.get("$defs", {})}}
            wrong = field_path(path, root)
            if wrong:
                source.add((*where, "path"), wrong)
    consultation = source.value.get("consultation")
    if isinstance(consultation, dict) and isinstance(consultation.get("require"), str):
        where = ("consultation", "require")
        _condition(
            source, where, consultation["require"], _variables(application, {}, begun=True, facts=False)
        )


def _condition(
    source: Source, where: Where, expression: str, variables: Mapping[str, tuple[Schema, Schema]]
) -> None:
    try:
        condition = Condition(expression)
    except ValueError as error:
        found = _REASON.search(str(error))
        source.add(where, f"the condition does not compile: {found['reason'] if found else error}")
        return
    bound = _bound(expression)
    for name in sorted(condition.variables - bound - set(variables)):
        source.add(where, f"there is no '{name}' to ask about here{nearest(name, variables)}")
    for name in sorted(condition.functions - FUNCTIONS - BUILT_IN):
        source.add(where, f"there is no function '{name}'{nearest(name, FUNCTIONS | BUILT_IN)}")
    for root in {id(root): root for _, root in variables.values()}.values():
        known = {name: schema for name, (schema, of) in variables.items() if of is root}
        for wrong in unknown_fields(expression, known, root):
            source.add(where, wrong)


def _variables(
    application: Schema, report: Schema, *, begun: bool, facts: bool = True
) -> dict[str, tuple[Schema, Schema]]:
    """What a condition can name at a step: the schema of each, with the form it belongs to."""
    known: dict[str, tuple[Schema, Schema]] = {}
    if facts:
        schema: Schema = {"properties": {name: {} for name in FACTS}}
        known["facts"] = (schema, schema)
    for form in (application if begun else {}, report):
        known |= {name: (section, form) for name, section in _sections(form).items()}
    return known


def _sections(form: Schema) -> dict[str, Any]:
    sections = form.get("properties")
    return sections if isinstance(sections, dict) else {}


def _bound(expression: str) -> set[str]:
    """The names that macros give to items: `lines.all(l, ...)` binds `l`."""
    return {found[1] for found in _BINDING.finditer(expression)}
