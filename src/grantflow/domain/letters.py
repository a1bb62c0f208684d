"""Letters: what was decided, told in writing, in the municipality's own form of Norwegian, with every block."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING, Literal

import msgspec

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.calendar import day
from grantflow.domain.command import Command, Situation
from grantflow.domain.errors import NotAllowed
from grantflow.domain.money import kr
from grantflow.domain.person import called
from grantflow.domain.register import NEUTRAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from grantflow.domain.call_file import LetterText
    from grantflow.domain.event import Event
    from grantflow.domain.parts import Decision, Grounds, Instalment, Reversal, SpecialCondition

Language = Literal["nb", "nn"]
KINDS = {"granted": "grant", "rejected": "rejection", "dismissed": "dismissal"}
"""The letter that tells of a decision, by its outcome; a reversal has one of its own."""
REVERSAL = "reversal"
PLACEHOLDERS = frozenset(
    {"title", "year", "authority_name", "applicant", "asked", "amount", "instalments", "conditions",
     "later_years", "report_deadline", "rule", "facts", "considerations", "signed_by"}
)  # fmt: skip
"""What a standard text may name as `$name`; each is filled in from the case."""

_WORDS = {
    "nb": {
        "on": "{amount} fra {day}",
        "at once": "{amount} straks",
        "once": " når vilkåret «{condition}» er oppfylt",
        "by": "{text} (innen {day})",
        "instalments": "Det betales i rater: {all}.",
        "conditions": "Særskilte vilkår: {all}.",
        "years": "For {all} er dette en intensjon.",
    },
    "nn": {
        "on": "{amount} frå {day}",
        "at once": "{amount} straks",
        "once": " når vilkåret «{condition}» er oppfylt",
        "by": "{text} (innan {day})",
        "instalments": "Det blir betalt i ratar: {all}.",
        "conditions": "Særskilde vilkår: {all}.",
        "years": "For {all} er dette ein intensjon.",
    },
}


class LetterIssued(CaseEvent, frozen=True, kw_only=True):
    """The applicant has been told in writing (fvl § 27): the letter's text, and the person who decided."""

    topic = "letter-issued@2"

    kind: str
    language: str
    blocks: dict[str, str]
    reservations: dict[str, str]
    text: str
    signed_by: str

    def apply(self, case: Application) -> Application:
        if self.kind == REVERSAL and case.reversals:
            *earlier, last = case.reversals
            return case.but(reversals=(*earlier, msgspec.structs.replace(last, told=True)))
        return case.but(letter=self.language, told_at=self.stamp.recorded_at)

    def signed(self, names: Mapping[str, str]) -> str:
        """The letter as people are shown it, signed by name where it is known. `text` stays as it was issued."""
        signature = f"\n{self.signed_by}\n"
        if not self.text.endswith(signature):
            return self.text
        return f"{self.text.removesuffix(signature)}\n{called(self.signed_by, names)}\n"


class IssueLetter(Command, frozen=True, kw_only=True):
    """Issue the letter about the decision, or about its reversal.

    Without `blocks` (or `reservations`) it is the call's standard letter, filled in from the case. Whoever writes their
    own names each one there is, or the letter is refused (R34); null stands for the standard text. `language` is the
    municipality's own (språklova § 15), and may only be chosen where it has none.
    """

    step = "issue-letter"

    language: Language | None = None
    blocks: dict[str, str | None] = msgspec.field(default_factory=dict)
    reservations: dict[str, str | None] = msgspec.field(default_factory=dict)

    def decide(self, s: Situation) -> Sequence[Event]:
        decision, untold = s.case.decision, _untold(s.case)
        if decision is not None and s.case.letter:
            msg = "The letter about this decision is issued already."
            raise NotAllowed(msg)
        about = decision or untold
        if about is None:
            msg = "Nothing is decided yet."
            raise NotAllowed(msg)
        kind = KINDS[decision.outcome] if decision else REVERSAL
        language = self._language(s)
        text = _declared(s, kind, language)
        facts = _facts(s, language, decision, about.grounds)
        needed = s.call.letter if kind == "grant" else None
        blocks = _complete(
            "block",
            needed.blocks if needed else tuple(text.blocks),
            self.blocks,
            {name: block.text for name, block in text.blocks.items()},
            facts,
        )
        reservations = _complete(
            "reservation",
            needed.reservations if needed else tuple(text.reservations),
            self.reservations,
            text.reservations,
            facts,
        )
        return [
            LetterIssued(
                kind=kind,
                language=language,
                blocks=blocks,
                reservations=reservations,
                text=_written(s, text, blocks, reservations, about.person),
                signed_by=about.person,
                stamp=s.stamp(authority=about.authority),
            )
        ]

    def _language(self, s: Situation) -> Language:
        form = s.call.register.language_form(s.case.applicant.number, s.at)
        if form == NEUTRAL:
            return self.language or "nb"
        if self.language not in (None, form):
            msg = f"{s.case.applicant.name} is written to in {form} (språklova § 15), not in {self.language}."
            raise NotAllowed(msg)
        return "nn" if form == "nn" else "nb"


def _untold(case: Application) -> Reversal | None:
    """The reversal that the applicant has not been told of yet."""
    return case.reversals[-1] if case.reversals and not case.reversals[-1].told else None


def _declared(s: Situation, kind: str, language: Language) -> LetterText:
    letters = getattr(s.call.letters, kind, {}) if s.call.letters else {}
    if language not in letters:
        msg = f"The call declares no {kind} letter in {language} (letters.toml)."
        raise NotAllowed(msg)
    text: LetterText = letters[language]
    return text


def _complete(
    kind: str,
    required: Sequence[str],
    given: Mapping[str, str | None],
    standard: Mapping[str, str],
    facts: Mapping[str, str],
) -> dict[str, str]:
    """Every text the letter must have: the one that is given, or the standard one with the case's facts in it."""
    unknown = [name for name in given if name not in required]
    chosen = given or dict.fromkeys(required)
    texts = {}
    for name in required:
        text = chosen.get(name, "")
        texts[name] = Template(standard.get(name, "")).safe_substitute(facts) if text is None else text
    missing = [name for name, text in texts.items() if not text.strip()]
    if missing or unknown:
        wrong = f"missing: {', '.join(missing)}" if missing else f"unknown: {', '.join(unknown)}"
        each = f"each {kind} the call requires ({', '.join(required)}; null for the standard text)"
        msg = f"The letter must have {each}; {wrong}."
        raise NotAllowed(msg)
    return {name: text.strip() for name, text in texts.items()}


def _written(
    s: Situation, text: LetterText, blocks: Mapping[str, str], reservations: Mapping[str, str], signed_by: str
) -> str:
    """The letter as it is read: title, whom it is to, each block under its heading, reservations, and who signs."""
    headings = {name: block.heading for name, block in text.blocks.items()}
    parts = [
        text.title,
        f"{s.case.applicant.name} ({s.case.applicant.number})\n{s.case.title}".strip(),
        *(f"{headings.get(name, name)}\n{block}" for name, block in blocks.items()),
        *reservations.values(),
        f"{s.call.declared.authority_name}, {day(s.at)}\n{signed_by}",
    ]
    return "\n\n".join(parts) + "\n"


def _facts(s: Situation, language: Language, decision: Decision | None, grounds: Grounds) -> dict[str, str]:
    reports = s.call.deadlines_of("countersign-accounts")
    return {
        "title": s.case.title,
        "year": str(s.call.year),
        "authority_name": s.call.declared.authority_name,
        "applicant": s.case.applicant.name,
        "asked": kr(s.case.asked_ore),
        "amount": kr(decision.amount_ore) if decision else "",
        "instalments": _instalments(language, decision.instalments if decision else ()),
        "conditions": _conditions(language, decision.conditions if decision else ()),
        "later_years": _later_years(language, decision),
        "report_deadline": _date(reports[0].day) if reports else "",
        "signed_by": decision.person if decision else "",
        **msgspec.structs.asdict(grounds),
    }


def _instalments(language: Language, instalments: Sequence[Instalment]) -> str:
    """How the grant is paid, where it is not paid at once."""
    if len(instalments) <= 1 and not any(one.condition or one.due for one in instalments):
        return ""
    words = _WORDS[language]
    told = [
        words["on" if one.due else "at once"].format(
            amount=kr(one.amount_ore), day=_date(one.due) if one.due else ""
        )
        + (words["once"].format(condition=one.condition) if one.condition else "")
        for one in instalments
    ]
    return words["instalments"].format(all="; ".join(told))


def _conditions(language: Language, conditions: Sequence[SpecialCondition]) -> str:
    words = _WORDS[language]
    told = [words["by"].format(text=one.text.rstrip("."), day=_date(one.due)) for one in conditions]
    return words["conditions"].format(all="; ".join(told)) if told else ""


def _later_years(language: Language, decision: Decision | None) -> str:
    years = [f"{later.year} ({kr(later.amount_ore)})" for later in decision.later_years] if decision else []
    return _WORDS[language]["years"].format(all=", ".join(years)) if years else ""


def _date(value: date) -> str:
    return f"{value:%d.%m.%Y}"
