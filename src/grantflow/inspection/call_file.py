"""What can be wrong in call.toml beyond its shape: names that lead nowhere, sums that don't add up, missing texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.domain.money import ore
from grantflow.domain.register import valid_orgnr
from grantflow.inspection.areas import check_areas, check_stages
from grantflow.inspection.deadlines import check_deadlines
from grantflow.inspection.letters import BLOCKS, contradicting, reservations
from grantflow.inspection.needs import check_needs
from grantflow.inspection.tables import check_known, check_texts, check_unique, listed, text, within
from grantflow.inspection.weights import check_criteria

if TYPE_CHECKING:
    from grantflow.inspection.outline import Outline
    from grantflow.inspection.source import Source


def check_call(source: Source, process: Outline | None) -> None:
    """Check the file's own content, beside the process it names (None where that can't be read)."""
    check_texts(source, (), source.value, "name")
    for key in ("deadlines", "criteria", "themes", "rules", "assumptions", "areas", "stages"):
        check_unique(source, key)
        for where, table in source.tables(key):
            check_texts(source, where, table, "message" if key == "rules" else "name")
    _money(source)
    check_areas(source, process)
    check_stages(source, process)
    check_deadlines(source, process)
    check_criteria(source, process)
    _rules(source, process)
    _letter(source)
    _attachments(source)
    _periods(source)
    if process is not None:
        check_needs(source, process)


def _money(source: Source) -> None:
    frame, authority = source.value.get("frame"), source.value.get("authority")
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


def _rules(source: Source, process: Outline | None) -> None:
    for where, rule in source.tables("rules"):
        if process is not None:
            check_known(source, where, rule, "when", process.steps, "the process has no step")
        if rule.get("when") == []:
            source.add((*where, "when"), f"rule '{text(rule, 'id')}' is asked at no step")
        if not str(rule.get("source", "")).strip():
            source.add(
                (*where, "source"), f"rule '{text(rule, 'id')}' does not say which paragraph it comes from"
            )


def _letter(source: Source) -> None:
    letter = within(source.value, "letter")
    for key, needed in (("blocks", BLOCKS), ("reservations", reservations(source.value))):
        present = [name for _, name in listed(letter, key)]
        for name in needed if isinstance(letter.get(key), list) else ():
            if name not in present:
                source.add(
                    ("letter", key), f"the letter lacks '{name}'; every grant letter has {', '.join(needed)}"
                )
    for number, name in listed(letter, "reservations"):
        if name == contradicting(source.value):
            message = f"'{name}' is the opposite of what [legal_regime] says"
            source.add(("letter", "reservations", number), message)


def _attachments(source: Source) -> None:
    limits = within(source.value, "attachments")
    for key in ("max_bytes", "max_count"):
        value = limits.get(key)
        if isinstance(value, int) and value < 1:
            source.add(("attachments", key), f"'{key}' must be at least 1")
    for number, kind in listed(limits, "types"):
        if "/" not in kind:
            source.add(
                ("attachments", "types", number), f"{kind!r} is not a media type such as application/pdf"
            )


_PERIODS: dict[tuple[str, str], int] = {
    ("legal_regime", "appeal_days"): 1,
    ("payments", "flag_account_changes_days"): 0,
    ("retention", "bookings_years"): 0,
    ("retention", "delegations_years"): 0,
}


def _periods(source: Source) -> None:
    for (table, key), least in _PERIODS.items():
        value: Any = within(source.value, table).get(key)
        if isinstance(value, int | float) and value < least:
            source.add((table, key), f"'{key}' must be at least {least}")
