"""What can be wrong with the criteria: scales that are none, and weights that don't add up where they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.inspection.tables import names, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.inspection.outline import Outline
    from grantflow.inspection.source import Source

_WHOLE = 100
_USED_BY = ("score", "assess")


def check_criteria(source: Source, process: Outline | None) -> None:
    """Each scale goes upwards, and the weights add up to 100 in each area and at each stage where points are given."""
    for where, criterion in source.tables("criteria"):
        low, high = criterion.get("minimum"), criterion.get("maximum")
        if isinstance(low, int) and isinstance(high, int) and low >= high:
            source.add((*where, "minimum"), f"points from {low} to {high} are no scale")
        weight = criterion.get("weight")
        if isinstance(weight, int) and weight < 0:
            source.add((*where, "weight"), f"a weight of {weight} would take points away")
    told = set()
    for place, holding in _combinations(source, process):
        numbers = [one["weight"] for one in holding if isinstance(one.get("weight"), int)]
        which = frozenset(text(one, "id") for one in holding)
        if numbers and sum(numbers) != _WHOLE and which not in told:
            told.add(which)
            message = f"the weights add up to {sum(numbers)}, and must to {_WHOLE}"
            source.add(("criteria",), f"{place}, {message}" if place else message)
    assessors = source.value.get("assessors")
    if isinstance(assessors, int) and assessors < 1:
        source.add(("assessors",), "at least one assessor must score each application")


def _combinations(source: Source, process: Outline | None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The criteria that hold in each area and at each stage where they are used, with the place in words."""
    for area in names(source.tables("areas")) or [""]:
        if process is not None and not process.within(area) & set(_USED_BY):
            continue
        for stage in names(source.tables("stages")) or [""]:
            words = [f"in the area '{area}'"] * bool(area) + [f"at the stage '{stage}'"] * bool(stage)
            holding = [
                criterion
                for _, criterion in source.tables("criteria")
                if _holds(criterion, "areas", area) and _holds(criterion, "stages", stage)
            ]
            yield " ".join(words), holding


def _holds(criterion: dict[str, Any], key: str, name: str) -> bool:
    limited = texts(criterion, key)
    return not limited or name in limited
