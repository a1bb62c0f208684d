"""What a process file says of its states and steps, as far as it can be read: for the checks of the call beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.inspection.tables import names, text, texts

if TYPE_CHECKING:
    from grantflow.inspection.source import Source, Where


class Outline:
    """The states and steps of a process by name, each step with its table and the place of it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.states = names(source.tables("states"))
        self.steps: dict[str, dict[str, Any]] = {}
        self.places: dict[str, Where] = {}
        for where, table in source.tables("steps"):
            name = text(table, "id")
            if name and name not in self.steps:
                self.steps[name], self.places[name] = table, where

    @property
    def open_states(self) -> list[str]:
        """The states in which a case has not ended."""
        final = names((where, one) for where, one in self.source.tables("states") if one.get("final") is True)
        return [state for state in self.states if state not in final]

    def within(self, area: str) -> set[str]:
        """The steps that an application in this area can meet."""
        areas = {name: texts(table, "areas") for name, table in self.steps.items()}
        return {name for name, within in areas.items() if not within or area in within}

    def there(self, step: str, beside: str) -> bool:
        """Whether there is a step wherever there is another: in each area that the other exists in."""
        areas, others = (set(texts(self.steps.get(one, {}), "areas")) for one in (step, beside))
        return step in self.steps and (not areas or (bool(others) and others <= areas))

    def moves(self, step: str) -> dict[str, str]:
        """From where to where a step leads; empty when there is no such step."""
        moves = self.steps.get(step, {}).get("moves")
        given = moves if isinstance(moves, dict) else {}
        return {origin: target for origin, target in given.items() if isinstance(target, str)}
