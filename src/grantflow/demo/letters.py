"""The letters of the story: the call's standard ones, but for what only the decider can say of the project (R34)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grantflow.demo.cases import Case

PURPOSE = {
    "nb": "Tilskuddet går til «{title}»: {summary} Midlene skal brukes i 2023.",
    "nn": "Tilskotet går til «{title}»: {summary} Midlane skal brukast i 2023.",
}
STANDARD = ("amount", "payment", "conditions", "consequences")


def grant_letter(case: Case) -> dict[str, Any]:
    """The content of `issue-letter` for a grant: what it is for in the decider's words, the rest as the call has it."""
    words = case.idea.words(case.language)
    summary = words.summary.format(n=case.participants, place=case.municipality.name)
    purpose = PURPOSE[case.language].format(title=words.title, summary=summary)
    return {"blocks": {"purpose": purpose, **dict.fromkeys(STANDARD)}}


def incomplete_letter(case: Case) -> dict[str, Any]:
    """A grant letter in which one block is left empty."""
    letter = grant_letter(case)
    letter["blocks"]["consequences"] = ""
    return letter


def wrong_language(case: Case) -> dict[str, Any]:
    """A letter in the form of Norwegian that the municipality has decided against."""
    return {"language": "nb" if case.language == "nn" else "nn"}
