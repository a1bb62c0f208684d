"""Forms: JSON Schema in the call's folder, one for the interface, the import and the page."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema_rs

from grantflow.domain.errors import Failure

_INCOMPLETE = ("required", "minItems", "minLength", "minProperties")
_DEEPEST = 40
_LONGEST = 300


class Form:
    """A form of one call. Raises ValueError when its schema is no valid JSON Schema."""

    def __init__(self, name: str, schema_text: str) -> None:
        self.name = name
        self.schema: dict[str, Any] = json.loads(schema_text)
        jsonschema_rs.meta.validate(self.schema)
        self._complete = jsonschema_rs.validator_for(self.schema)
        self._sections = {
            section: jsonschema_rs.validator_for(_lenient({**schema, "$defs": self.schema.get("$defs", {})}))
            for section, schema in self.schema.get("properties", {}).items()
        }

    @property
    def sections(self) -> tuple[str, ...]:
        """The form's sections, in order."""
        return tuple(self._sections)

    def check(self, content: dict[str, Any], *, complete: bool, section: str | None) -> tuple[Failure, ...]:
        """What does not fit: the whole content, or one section; a draft (`complete=False`) may lack things."""
        if section is not None and section not in self._sections:
            return (
                _failure(self.name, section, f"the form has no section '{section}'; it has {self.sections}"),
            )
        if _depth(content) > _DEEPEST:
            return (
                _failure(self.name, section or "", f"the content is nested deeper than {_DEEPEST} levels"),
            )
        validator = self._complete if complete or section is None else self._sections[section]
        prefix = [section] if section else []
        try:
            errors = list(validator.iter_errors(content))
        except (ValueError, UnicodeError) as error:
            return (_failure(self.name, section or "", f"the content is not JSON: {error}"),)
        return tuple(
            _failure(self.name, dotted([*prefix, *e.instance_path]), _short(e.message)) for e in errors
        )


def dotted(path: list[str | int]) -> str:
    """A path as rules write it: `budget.lines[2].amount`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _failure(form: str, path: str, message: str) -> Failure:
    return Failure(
        rule="form", message={"en": f"{path}: {message}" if path else message}, source=form, path=path
    )


def _short(message: str) -> str:
    return message if len(message) <= _LONGEST else f"{message[:140]} … {message[-140:]}"


def _lenient(schema: Any) -> Any:  # noqa: ANN401 - a JSON Schema is any JSON
    """The same schema for a draft: what is there must fit, but nothing has to be there."""
    if isinstance(schema, dict):
        return {
            key: copy.deepcopy(value) if key in ("enum", "const") else _lenient(value)
            for key, value in schema.items()
            if key not in _INCOMPLETE or isinstance(value, dict)
        }
    return [_lenient(item) for item in schema] if isinstance(schema, list) else schema


def _depth(content: Any, at: int = 0) -> int:  # noqa: ANN401 - any JSON
    if at > _DEEPEST:
        return at
    if isinstance(content, dict):
        return max((_depth(value, at + 1) for value in content.values()), default=at)
    if isinstance(content, list):
        return max((_depth(value, at + 1) for value in content), default=at)
    return at
