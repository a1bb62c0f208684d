"""Content as a call's declared expressions read it: its facts, and whether a consultation is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from grantflow.domain.errors import Refused
from grantflow.domain.rules import Condition, context_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import cel

    from grantflow.domain.call_file import ApplicationFacts, ConsultationFile, Reporting
    from grantflow.domain.register import Register

F = TypeVar("F", str, int, bool, list[str])
"""What a fact of a form can be."""


class DefinitionError(Refused):
    """The files are not a definition; `grantflow call check` says where."""

    code = "definition-broken"
    status = 422


class Facts:
    """The expressions by which a call's forms are read, compiled once: `application.asked`, `reporting.booked`."""

    def __init__(
        self, application: ApplicationFacts, reporting: Reporting | None, register: Register
    ) -> None:
        named = {f"application.{name}": text for name, text in msgspec.structs.asdict(application).items()}
        if reporting:
            named["reporting.booked"] = reporting.booked
        self.conditions = {name: Condition(text) for name, text in named.items() if text}
        self.register = register

    def of(self, content: Mapping[str, Any], at: datetime) -> Reading:
        """This content, ready to be asked for its facts."""
        return Reading(self, content, at)


class Reading:
    """One content as a call reads it: what several expressions name of it is handed to them once."""

    def __init__(self, facts: Facts, content: Mapping[str, Any], at: datetime) -> None:
        self._facts, self._content, self._at = facts, content, at
        self._contexts: list[tuple[frozenset[str], cel.Context]] = []

    def context(self, names: frozenset[str]) -> cel.Context:
        """What an expression that names these can name: so much of the content as it needs, at least."""
        wanted = names.intersection(self._content)
        for held, context in self._contexts:
            if wanted <= held:
                return context
        needed = {name: self._content[name] for name in wanted}
        context = context_of(needed, self._facts.register, self._at)
        self._contexts.append((wanted, context))
        return context

    def holds(self, condition: Condition) -> bool:
        """Whether a condition is true of this content."""
        return condition.holds(self.context(condition.variables))

    def fact(self, name: str, kind: type[F], unless: F) -> F:
        """A fact of this content; `unless` where the call does not read it. DefinitionError when it is another kind."""
        condition = self._facts.conditions.get(name)
        if condition is None:
            return unless
        value = condition.value(self.context(condition.variables))
        if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
            msg = (
                f"The call reads {name} by '{condition.expression}', which gives {value!r} for this content."
            )
            raise DefinitionError(msg)
        return value


class Consultation:
    """A statement that some applications need, and the condition that says which."""

    def __init__(self, declared: ConsultationFile) -> None:
        self.body = declared.body
        self._condition = Condition(declared.require)

    def required(self, reads: Reading) -> bool:
        """Whether an application that reads like this needs the statement."""
        return reads.holds(self._condition)
