"""What can be wrong in letters.toml: letters, languages and blocks that are missing, names that nobody fills in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.inspection.standard_texts import check_standard_texts
from grantflow.inspection.tables import LANGUAGES, text, texts, within

if TYPE_CHECKING:
    from collections.abc import Collection

    from grantflow.inspection.outline import Outline
    from grantflow.inspection.source import Source, Where

BLOCKS = ("purpose", "amount", "payment", "conditions", "consequences")
"""What a grant letter must speak of (bestemmelser om økonomistyring 6.3.3)."""
_OTHER_BLOCKS = ("decision", "grounds")
"""What any other letter must: what was decided, and why (fvl §§ 24, 25)."""
_KINDS = {"grant": "grant", "rejection": "reject", "dismissal": "dismiss", "reversal": "reverse"}
"""The letters there are, and the step that each one tells of."""


def reservations(call: dict[str, Any]) -> tuple[str, ...]:
    """What every grant letter reserves (R34), and whether there is an appeal (fvl §§ 27, 28)."""
    return ("control", _on_appeal(call), "later-years")


def contradicting(call: dict[str, Any]) -> str:
    """The reservation that no letter of this call can have: it says the opposite of the legal regime."""
    return "no-appeal" if _on_appeal(call) == "appeal" else "appeal"


def _on_appeal(call: dict[str, Any]) -> str:
    return "appeal" if within(call, "legal_regime").get("appeal") is True else "no-appeal"


def check_letters(source: Source, call: dict[str, Any], process: Outline) -> None:
    """Each letter that the process can lead to is there in both languages, with all that it must say."""
    for kind, step in _KINDS.items():
        letter = source.value.get(kind)
        if step in process.steps and kind not in source.value and kind in ("dismissal", "reversal"):
            source.add((), f"there is no letter '{kind}', and the process has the step '{step}'")
        if not isinstance(letter, dict):
            continue
        for language in LANGUAGES:
            if language not in letter and (letter or step in process.steps):
                source.add((kind,), f"'{kind}' has no text in {language}; both nb and nn are needed")
            if isinstance(letter.get(language), dict):
                _letter(source, (kind, language), letter[language], call)


def _letter(source: Source, where: Where, letter: dict[str, Any], call: dict[str, Any]) -> None:
    declared = within(call, "letter")
    if where[0] == "grant":
        needed = {key: texts(declared, key) for key in ("blocks", "reservations")}
    else:
        needed = {"blocks": [*_OTHER_BLOCKS], "reservations": [_on_appeal(call)]}
    for key, all_of in needed.items():
        _whole(source, (*where, key), within(letter, key), all_of)
    if not text(letter, "title").strip() and "title" in letter:
        source.add((*where, "title"), "the letter has no title")
    for name, block in within(letter, "blocks").items():
        if not isinstance(block, dict):
            continue
        if "heading" in block and not text(block, "heading").strip():
            source.add((*where, "blocks", name, "heading"), f"the block '{name}' has no heading")
    check_standard_texts(source, where, letter, call)
    if contradicting(call) in within(letter, "reservations"):
        message = f"the letter says '{contradicting(call)}', and the call's legal regime the opposite"
        source.add((*where, "reservations", contradicting(call)), message)


def _whole(source: Source, where: Where, given: dict[str, Any], needed: Collection[str]) -> None:
    kind, language, key = where
    for name in needed:
        if name not in given:
            source.add(where, f"the {kind} letter in {language} lacks '{name}' among its {key}")
