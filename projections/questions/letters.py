"""Each letter looked through: its blocks, reservations and amount, who signs it, and its form of Norwegian."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.domain.letters import KINDS, REVERSAL, LetterIssued
from grantflow.domain.register import NEUTRAL
from grantflow.question import Question, Row, row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from grantflow.domain.call import Call
    from grantflow.history import History, Moment

FIVE_BLOCKS = ("purpose", "amount", "payment", "conditions", "consequences")
"""What a grant letter says, whatever the call declares (bestemmelser om økonomistyring 6.3.3)."""


def answer(history: History) -> Iterator[Row]:
    """A row a letter, with pass or fail for each thing it must have; nothing where it need not have it."""
    for case in history.cases:
        for moment in case.each(LetterIssued):
            event = moment.event
            if not isinstance(event, LetterIssued):
                continue
            call = history.call_of(moment.before)
            checks = _checks(call, moment, event)
            failed = [name.replace("_", " ") for name, passed in checks.items() if passed is False]
            yield row(
                case,
                [moment.entry],
                kind=event.kind,
                at=moment.at.isoformat(),
                form=event.language,
                signed_by=event.signed_by,
                **{
                    name: "" if passed is None else "pass" if passed else "fail"
                    for name, passed in checks.items()
                },
                breach=f"fails on {', '.join(failed)}" if failed else "",
            )


def _checks(call: Call, moment: Moment, event: LetterIssued) -> dict[str, bool | None]:
    """Whether each thing is in order; None where this kind of letter is not asked for it."""
    case = moment.before
    grant = event.kind == KINDS["granted"]
    own = call.register.language_form(case.applicant.number, moment.at)
    reversal = case.reversals[-1] if case.reversals and event.kind == REVERSAL else None
    decider = reversal.person if reversal else case.decision.person if case.decision else ""
    required = call.letter.reservations
    appeal = tuple(name for name in required if "appeal" in name)
    others = tuple(name for name in required if name not in appeal)
    blocks = {name: _said(event, event.blocks, [name]) if grant else None for name in FIVE_BLOCKS}
    return {
        **blocks,
        "other_blocks": _said(event, event.blocks, [*call.letter.blocks] if grant else [*event.blocks]),
        "reservations": _said(event, event.reservations, others) if grant else None,
        "appeal_text": _said(event, event.reservations, appeal) if grant and appeal else None,
        "sum": _digits(case.decision.amount_ore) in _packed(event.text) if grant and case.decision else None,
        "signature": bool(decider) and event.signed_by == decider and decider in event.text,
        "language": own in (NEUTRAL, event.language),
    }


def _said(event: LetterIssued, parts: Mapping[str, str], names: Sequence[str]) -> bool:
    """Whether all of these parts are there, in words, and stand in the letter as it is read."""
    texts = [parts.get(name, "").strip() for name in names]
    return all(text and text in event.text for text in texts)


def _digits(amount_ore: int) -> str:
    whole, rest = divmod(amount_ore, 100)
    return f"{whole},{rest:02d}" if rest else str(whole)


def _packed(text: str) -> str:
    """The text without its spaces, so that `800 000 kr` is found whichever kind stands between the digits."""
    return "".join(text.split())


question = Question(
    number=14,
    name="letters",
    asks="Has each letter its five blocks, reservations, text on appeal, and the municipality's own language?",
    law="bestemmelser om økonomistyring 6.3.3; bevilgningsreglementet § 10; språklova §§ 14, 15; fvl § 27 (R34)",
    columns=(
        "case",
        "applicant",
        "kind",
        "at",
        "form",
        "signed_by",
        *FIVE_BLOCKS,
        "other_blocks",
        "reservations",
        "appeal_text",
        "sum",
        "signature",
        "language",
        "breach",
    ),
    answer=answer,
)
