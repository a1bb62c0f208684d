"""What can be wrong in a form: not a JSON Schema, open where it must be closed, or leading outside itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.domain.forms import Form
from grantflow.domain.schema import resolved
from grantflow.inspection.finding import nearest

if TYPE_CHECKING:
    from grantflow.domain.schema import Schema
    from grantflow.inspection.source import Source, Where


def check_form(source: Source) -> Schema:
    """Check a form's file; returns its schema, empty where it can't be used."""
    schema = source.value
    if not isinstance(schema, dict):
        if not source.findings:
            source.add((), "a form must be a JSON object")
        return {}
    found = len(source.findings)
    _walk(source, (), schema, schema)
    if len(source.findings) == found:
        try:
            Form(source.path.name, source.text)
        except (ValueError, KeyError, TypeError) as error:
            source.add((), f"not a usable JSON Schema: {str(error).splitlines()[0]}")
    return schema


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
