"""Declared conditions: CEL expressions from the call's file, asked about an application's content."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import cel
import msgspec

from grantflow.domain.errors import Failure
from grantflow.domain.money import ore
from grantflow.domain.register import Register, valid_orgnr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition that must hold `when` a step is taken; `source` is the paragraph of the call it comes from.

    It holds for applications in its `areas` and at its `stages`; for all where none are named.
    """

    id: str
    rule: str
    source: str
    when: tuple[str, ...]
    require: str
    message: dict[str, str]
    path: str = ""
    areas: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()

    def concerns(self, area: str, stage: str) -> bool:
        """Whether it holds for an application in this area, at this stage."""
        return (not self.areas or area in self.areas) and (not self.stages or stage in self.stages)


_INTERRUPTED = re.compile(r"Function '\w+' error: Python function call failed: KeyboardInterrupt\b")
"""What the library makes of somebody's Ctrl-C while one of our functions runs; it must not pass for a broken rule."""


_FACT = re.compile(r"\bfacts\b(?:\s*\.\s*(\w+))?")


class Condition:
    """One compiled CEL expression. Raises ValueError, with what the compiler says, when it does not compile."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self._program = cel.compile(expression)
        self.variables = frozenset(self._program.variables())
        self.functions = frozenset(name for name in self._program.functions() if name.isidentifier())
        self.facts = _facts_in(expression)

    def holds(self, context: cel.Context) -> bool:
        """Whether it is true. What can't be evaluated (a field that is missing, of another kind) is not."""
        return self.value(context) is True

    def value(self, context: cel.Context) -> Any:  # noqa: ANN401 - whatever the expression gives
        """What it gives; None when it can't be evaluated."""
        try:
            return self._program.execute(context)
        except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError) as error:
            if _INTERRUPTED.match(str(error)):
                raise KeyboardInterrupt from error
            return None


def _facts_in(expression: str) -> frozenset[str]:
    """The facts that an expression can ask for: those it names, or all where `facts` stands without one."""
    named = _FACT.findall(expression)
    return frozenset(FACTS) if "" in named else frozenset(named)


class Rules:
    """The rules of one call, compiled once and kept by the step they belong to."""

    def __init__(self, declared: Sequence[Rule]) -> None:
        self._by_step: dict[str, list[tuple[Rule, Condition]]] = {}
        self._named: dict[str, frozenset[str]] = {}
        self._facts: dict[str, frozenset[str]] = {}
        for rule in declared:
            condition = Condition(rule.require)
            for step in rule.when:
                self._by_step.setdefault(step, []).append((rule, condition))
                self._named[step] = self._named.get(step, frozenset()) | condition.variables
                self._facts[step] = self._facts.get(step, frozenset()) | condition.facts

    def has(self, step: str) -> bool:
        """Whether there are rules of this step, wherever they hold."""
        return step in self._by_step

    def facts(self, step: str) -> frozenset[str]:
        """The facts that the rules of this step ask for, wherever they hold."""
        return self._facts.get(step, frozenset())

    def failures(
        self, step: str, context: Callable[[frozenset[str]], cel.Context], *, area: str = "", stage: str = ""
    ) -> tuple[Failure, ...]:
        """The rules of this step that do not hold, in declared order; `context` gives what these names stand for."""
        rules = [one for one in self._by_step.get(step, ()) if one[0].concerns(area, stage)]
        if not rules:
            return ()
        named = context(self._named[step])
        return tuple(
            Failure(rule.id, rule.message, rule.source, rule.path)
            for rule, condition in rules
            if not condition.holds(named)
        )


def context_of(content: Mapping[str, Any], register: Register, at: datetime) -> cel.Context:
    """What an expression can name: the content's sections, and the functions of `functions`."""
    return cel.Context(variables=dict(content), functions=functions(register, at))


def functions(register: Register, at: datetime) -> dict[str, Callable[..., Any]]:
    """The functions that rules may call; `municipality` and `county` answer as of the instant."""
    return {
        "money": ore,
        "sum": sum,
        "distinct": lambda values: len(set(values)) == len(values),
        "valid_orgnr": valid_orgnr,
        "municipality": lambda orgnr: register.municipality(orgnr, at) is not None,
        "county": lambda orgnr: register.county(orgnr, at) is not None,
    }


FUNCTIONS = frozenset({"money", "sum", "distinct", "valid_orgnr", "municipality", "county"})
"""The names of `functions`, beside CEL's own."""

FACTS = (
    "applicant_organisation",
    "area",
    "stage",
    "state",
    "year",
    "themes",
    "asked",
    "granted",
    "conditions",
)
"""What a rule may ask of the case itself, as `facts`, beside its content (see `deciding.facts_of`)."""
