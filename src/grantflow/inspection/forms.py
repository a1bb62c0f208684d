"""What can be wrong in a form: not a JSON Schema, open where it must be closed, or leading outside itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema_rs

from grantflow.domain.forms import Form
from grantflow.domain.schema import resolved
from grantflow.inspection.finding import nearest
from grantflow.inspection.tables import quoted

if TYPE_CHECKING:
    from grantflow.domain.schema import Schema
    from grantflow.inspection.source import Source, Where


_KNOWN = {
    "pattern": "a bracket of the pattern is not closed, or it looks behind, ahead or back, which patterns can't here",
    "format": 'there is no such format; for a day it is "date"',
}
"""What is wrong where the library says it in words of its own."""
REPORTED = ("report", "accounts")
"""The sections of a report, as the step `submit-report` takes them."""
RESERVED = {
    "facts": "what the case itself knows",
    "report": "the report that is delivered",
    "accounts": "the accounts that are delivered",
}
"""What rules can name beside an application's sections."""


def check_form(source: Source) -> Schema:
    """Check a form's file; returns its schema, empty where it can't be used."""
    schema = source.value
    if not isinstance(schema, dict):
        if not source.findings:
            source.add((), "a form must be a JSON object")
        return {}
    found = len(source.findings)
    if resolved(schema, schema).get("type") != "object":
        source.add(
            ("type",), 'a form is filled in as an object: "type": "object", with its fields as "properties"'
        )
    _walk(source, (), schema, schema)
    if len(source.findings) == found:
        try:
            Form(source.path.name, source.text)
        except jsonschema_rs.ValidationError as error:
            where = tuple(error.instance_path)
            reason = _KNOWN.get(str(where[-1]) if where else "") or str(error).splitlines()[0]
            source.add(where, f"not a usable JSON Schema: {reason}")
        except (ValueError, KeyError, TypeError) as error:
            source.add((), f"not a usable JSON Schema: {str(error).splitlines()[0]}")
    return schema


def check_sections(source: Source, schema: Schema) -> None:
    """The sections of an application's form have names that nothing else has where rules are asked."""
    for name in _properties(schema):
        if name in RESERVED:
            source.add(
                ("properties", name), f"no section can be called '{name}': rules know it as {RESERVED[name]}"
            )


def check_report(source: Source, schema: Schema) -> None:
    """The report form has the two sections that `submit-report` takes, and no other."""
    sections = _properties(schema)
    for name in sections:
        if name not in REPORTED:
            source.add(
                ("properties", name),
                f"'submit-report' takes {quoted(REPORTED)} alone; the section '{name}' could never be filled in",
            )
    for name in REPORTED:
        if sections and name not in sections:
            source.add(
                ("properties",), f"'submit-report' takes {quoted(REPORTED)}, and there is no '{name}' here"
            )


def _properties(schema: Schema) -> Schema:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _walk(source: Source, where: Where, root: Schema, node: Any) -> None:  # noqa: ANN401 - any JSON
    if isinstance(node, list):
        for number, item in enumerate(node):
            _walk(source, (*where, number), root, item)
    elif isinstance(node, dict):
        _object(source, where, node)
        _reference(source, where, root, node)
        for key, inner in node.items():
            if key not in ("enum", "const", "default", "examples"):
                _walk(source, (*where, key), root, inner)


def _object(source: Source, where: Where, node: Schema) -> None:
    if node.get("type") == "object" and node.get("additionalProperties") is not False:
        source.add(
            where, 'an object must be closed: "additionalProperties": false, so that unknown keys are refused'
        )
    properties, required = node.get("properties"), node.get("required")
    if isinstance(properties, dict) and isinstance(required, list):
        for number, name in enumerate(required):
            if name not in properties:
                known = nearest(name, properties)
                source.add((*where, "required", number), f"'{name}' is required and not a property{known}")


def _reference(source: Source, where: Where, root: Schema, node: Schema) -> None:
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return
    if not reference.startswith("#"):
        source.add((*where, "$ref"), f"'{reference}' leads outside the form; define it under $defs")
    elif not resolved(root, node):
        source.add((*where, "$ref"), f"'{reference}' leads nowhere in this form")
