"""What can be wrong in call.toml beyond its shape: names that lead nowhere, sums that don't add up, missing texts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from grantflow.domain.money import ore
from grantflow.domain.register import valid_orgnr
from grantflow.inspection.finding import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from grantflow.inspection.source import Source, Where

LANGUAGES = ("nb", "nn")
"""Both forms of Norwegian, always (språklova §§ 14, 15)."""
BLOCKS = ("purpose", "amount", "payment", "conditions", "consequences")
"""What a grant letter must speak of (bestemmelser om økonomistyring 6.3.3)."""
RESERVATIONS = ("control", "no-appeal", "later-years")
_WHOLE = 100


def check_call(source: Source, steps: Collection[str] | None) -> None:
    """Check the file's own content; `steps` are those of the process it names, None where that can't be read."""
    call = source.value
    check_texts(source, ("name",), call.get("name"))
    for listed in ("deadlines", "criteria", "themes", "rules", "assumptions"):
        _unique(source, listed)
    for listed, field in (
        ("deadlines", "name"),
        ("criteria", "name"),
        ("themes", "name"),
        ("rules", "message"),
    ):
        for where, table in source.tables(listed):
            check_texts(source, (*where, field), table.get(field))
    _money(source, call)
    _deadlines(source, steps)
    _criteria(source)
    _letter(source, call.get("letter"))
    _attachments(source, call.get("attachments"))
    for where, rule in source.tables("rules"):
        _steps(source, (*where, "when"), rule.get("when"), steps)
        if not str(rule.get("source", "")).strip():
            source.add(
                (*where, "source"), f"rule '{rule.get('id')}' does not say which paragraph it comes from"
            )


def check_texts(source: Source, where: Where, texts: Any) -> None:  # noqa: ANN401 - any value
    """A text by language must be there in both forms of Norwegian."""
    if not isinstance(texts, dict):
        return
    for language in LANGUAGES:
        if not str(texts.get(language, "")).strip():
            source.add(where, f"'{where[-1]}' has no text in {language}; both nb and nn are needed")


def _unique(source: Source, listed: str) -> None:
    seen: set[Any] = set()
    for where, table in source.tables(listed):
        name = table.get("id")
        if name in seen:
            source.add((*where, "id"), f"'{name}' stands twice in {listed}")
        seen.add(name)


def _money(source: Source, call: dict[str, Any]) -> None:
    frame, authority = call.get("frame"), call.get("authority")
    if isinstance(frame, str):
        try:
            if ore(frame) == 0:
                source.add(("frame",), "the frame must be above zero")
        except ValueError as error:
            source.add(("frame",), str(error))
    if isinstance(authority, str) and not valid_orgnr(authority):
        source.add(
            ("authority",),
            f"{authority!r} is not an organisation number: nine digits, the last a check digit",
        )


def _deadlines(source: Source, steps: Collection[str] | None) -> None:
    bounded: dict[str, object] = {}
    for where, deadline in source.tables("deadlines"):
        _steps(source, (*where, "steps"), deadline.get("steps"), steps)
        for step in _list(deadline.get("steps")):
            if step in bounded:
                source.add((*where, "steps"), f"'{step}' has the deadline '{bounded[step]}' already")
            bounded[step] = deadline.get("id")
        for key in ("reminders_days_before", "follow_ups_days_after"):
            days = _list(deadline.get(key))
            if any(isinstance(day, int) and day <= 0 for day in days) or len(set(days)) < len(days):
                source.add((*where, key), f"'{key}' must be different whole numbers of days above zero")
        if deadline.get("passed") == "lapse" and deadline.get("follow_ups_days_after"):
            source.add((*where, "follow_ups_days_after"), "nothing is followed up in a case that has lapsed")
        day, year = deadline.get("date"), source.value.get("year")
        if isinstance(day, date) and isinstance(year, int) and abs(day.year - year) > 1:
            source.add((*where, "date"), f"{day} is far from the grant year {year}")


def _criteria(source: Source) -> None:
    weights = []
    for where, criterion in source.tables("criteria"):
        weights.append(criterion.get("weight"))
        low, high = criterion.get("minimum"), criterion.get("maximum")
        if isinstance(low, int) and isinstance(high, int) and low >= high:
            source.add((*where, "minimum"), f"points from {low} to {high} are no scale")
    numbers = [weight for weight in weights if isinstance(weight, int)]
    if numbers and sum(numbers) != _WHOLE:
        source.add(("criteria",), f"the weights add up to {sum(numbers)}, and must to {_WHOLE}")
    assessors = source.value.get("assessors")
    if isinstance(assessors, int) and assessors < 1:
        source.add(("assessors",), "at least one assessor must score each application")


def _letter(source: Source, letter: Any) -> None:  # noqa: ANN401 - any value
    if not isinstance(letter, dict):
        return
    for key, needed in (("blocks", BLOCKS), ("reservations", RESERVATIONS)):
        for name in needed:
            if name not in _list(letter.get(key)):
                source.add(
                    ("letter", key), f"the letter lacks '{name}'; every grant letter has {', '.join(needed)}"
                )


def _attachments(source: Source, limits: Any) -> None:  # noqa: ANN401 - any value
    if not isinstance(limits, dict):
        return
    for key in ("max_bytes", "max_count"):
        value = limits.get(key)
        if isinstance(value, int) and value < 1:
            source.add(("attachments", key), f"'{key}' must be at least 1")
    for number, kind in enumerate(_list(limits.get("types"))):
        if "/" not in str(kind):
            source.add(
                ("attachments", "types", number), f"{kind!r} is not a media type such as application/pdf"
            )


def _steps(source: Source, where: Where, named: Any, steps: Collection[str] | None) -> None:  # noqa: ANN401 - any value
    for number, step in enumerate(_list(named)):
        if steps is not None and step not in steps:
            source.add((*where, number), f"the process has no step '{step}'{nearest(step, steps)}")


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - any value
    return value if isinstance(value, list) else []


def names(tables: Iterable[tuple[Where, dict[str, Any]]]) -> list[str]:
    """The ids of a list of tables."""
    return [str(table["id"]) for _, table in tables if isinstance(table.get("id"), str)]
