"""Forms: JSON Schema in the call's folder, one for the interface, the import and the page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from grantflow.domain.errors import Failure
from grantflow.domain.form_words import in_words
from grantflow.domain.plain import oddity
from grantflow.domain.schema import dotted, hint, label

if TYPE_CHECKING:
    from grantflow.domain.plain import Words
    from grantflow.domain.schema import Schema

_NOT_YET = frozenset(
    {"required", "dependentRequired", "minItems", "minLength", "minProperties", "minContains"}
)
"""What a draft need not fulfil."""
_OF_TEXT = frozenset({"pattern", "format", "enum", "const", "minLength"})
"""What an empty text in a draft need not fulfil."""
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The one kind of schema there is here: any other would be looked for on the network."""
_LITERAL = frozenset({"const", "enum", "default", "examples"})
_NAMED = frozenset({"properties", "patternProperties", "$defs", "dependentSchemas"})
_PATTERNS = jsonschema_rs.RegexOptions()
"""Patterns run in time linear to the text: no content can make one run for long."""


class Form:
    """A form of one call. Raises ValueError when its schema is no valid JSON Schema, or looks outside itself."""

    def __init__(self, name: str, schema_text: str) -> None:
        self.name = name
        self.schema: Schema = json.loads(schema_text)
        if self.schema.get("$schema", _DIALECT) != _DIALECT:
            msg = f"a form is JSON Schema of {_DIALECT}, and of no other kind"
            raise ValueError(msg)
        jsonschema_rs.meta.validate(self.schema)
        draft = _lenient(self.schema)
        self._whole = {True: _validator(self.schema), False: _validator(draft)}
        self._parts = {
            section: {
                True: _validator(_part(self.schema, section)),
                False: _validator(_part(draft, section)),
            }
            for section in self.schema.get("properties", {})
        }

    @property
    def sections(self) -> tuple[str, ...]:
        """The form's sections, in order."""
        return tuple(self._parts)

    def check(self, content: dict[str, Any], *, complete: bool, section: str | None) -> tuple[Failure, ...]:
        """What does not fit, in the content as a whole or in that of one section.

        A draft (`complete=False`) may lack things, and a text in it may be empty where nothing is filled in yet; what
        is there must fit. Whatever the content is, the answer is failures, never an exception.
        """
        if section is not None and section not in self._parts:
            return (self._no_section(section[:100]),)
        path: list[str | int] = [section] if section else []
        odd = oddity(content)
        if odd is not None:
            return (self._failure(path, odd),)
        validator = self._parts[section][complete] if section else self._whole[complete]
        if validator.is_valid(content):
            return ()
        return tuple(
            self._told(error, path)
            for error in validator.iter_errors(content)
            if complete or error.instance != "" or error.kind.name not in _OF_TEXT
        )

    def _told(self, error: jsonschema_rs.ValidationError, prefix: list[str | int]) -> Failure:
        path = [*prefix, *error.instance_path]
        if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
            path.append(error.kind.property)
        return self._failure(path, in_words(error, hint(self.schema, path)))

    def _failure(self, path: list[str | int], words: Words) -> Failure:
        """`en` names the field by its path, as programs do; `nb` and `nn` by what people call it."""
        where = dotted(path)
        names = {"en": where} | {language: label(self.schema, path, language) for language in ("nb", "nn")}
        message = {
            language: f"{names[language]}: {text}" if names[language] else text
            for language, text in words.items()
        }
        return Failure(rule="form", message=message, source=self.name, path=where)

    def _no_section(self, section: str) -> Failure:
        known = ", ".join(self.sections)
        words = {
            "nb": f"Skjemaet har ingen del «{section}». Det har: {known}.",
            "nn": f"Skjemaet har ingen del «{section}». Det har: {known}.",
            "en": f"the form has no section '{section}'; it has: {known}",
        }
        return Failure(rule="form", message=words, source=self.name, path=dotted([section]))


def _validator(schema: Schema) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        schema, validate_formats=True, pattern_options=_PATTERNS, offline=True, ignore_unknown_formats=False
    )


def _part(schema: Schema, section: str) -> Schema:
    """The schema of one section alone; what it refers to in the whole form is still there."""
    definitions = schema.get("$defs", {})
    pointer = section.replace("~", "~0").replace("/", "~1")
    return {
        "$schema": schema.get("$schema", "https://json-schema.org/draft/2020-12/schema"),
        "$defs": {**definitions, "the-form": {"properties": schema["properties"]}},
        "$ref": f"#/$defs/the-form/properties/{pointer}",
    }


def _lenient(schema: Any) -> Any:  # noqa: ANN401 - a JSON Schema is any JSON
    """The same schema for a draft: what is there must fit, but nothing has to be there."""
    if isinstance(schema, list):
        return [_lenient(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _lenient(inner) for name, inner in value.items()}
        if key in _NAMED and isinstance(value, dict)
        else value
        if key in _LITERAL
        else _lenient(value)
        for key, value in schema.items()
        if key not in _NOT_YET
    }
