"""What of a pack is for reading: README.txt, the answers, the report, and the programs that check it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from grantflow.evidence.answers import answered, as_csv, as_json
from grantflow.evidence.report import report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from grantflow.evidence.archive import Archive
    from grantflow.evidence.selecting import Selected
    from grantflow.history import History
    from grantflow.ledger.note import Checkpoint
    from grantflow.question import Question

_HERE = Path(__file__).resolve().parent
VERIFIERS = ("verify.py", "verify.html")


def write_reading(  # noqa: PLR0913, PLR0917 - what there is to read about
    into: Archive,
    selected: Selected,
    checkpoint: Checkpoint,
    history: History,
    questions: Sequence[Question],
    at: datetime,
    left_out: Sequence[str],
) -> None:
    """Write what a person reads, and what a person checks with."""
    into.write("README.txt", readme(selected, checkpoint, at, left_out))
    for name in VERIFIERS:
        into.write(name, (_HERE / "verifiers" / name).read_bytes())
    answers = list(answered(selected, history, questions))
    for answer in answers:
        into.write(f"{answer.name}.json", as_json(answer, history.scope, whole=not left_out))
        if not left_out:
            into.write(f"{answer.name}.csv", as_csv(answer))
    into.write("report.pdf", report(selected, checkpoint, history, answers, at, left_out))


def readme(selected: Selected, checkpoint: Checkpoint, at: datetime, left_out: Sequence[str]) -> bytes:
    """What the pack is, how to check it, and what that proves: in English and in bokmål, for who is no programmer."""
    one_case = bool(selected.number)
    texts = {
        "scope": selected.number or selected.call,
        "scope_en": "the case" if one_case else "the call",
        "scope_nb": "saken" if one_case else "utlysningen",
        "whole_en": "the case" if one_case else "the call, its money and its cases",
        "whole_nb": "saken" if one_case else "utlysningen, pengene og sakene",
        "made_at": f"{at:%Y-%m-%d %H:%M} UTC",
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "events": len(selected.positions),
        "left_out_en": _LEFT_OUT_EN.format(", ".join(left_out))
        if left_out
        else "Nothing is left out of them.",
        "left_out_nb": _LEFT_OUT_NB.format(", ".join(left_out))
        if left_out
        else "Ingenting er utelatt fra dem.",
        "answers_en": _ONE_CASE_EN if one_case else "",
        "answers_nb": _ONE_CASE_NB if one_case else "",
    }
    return (_HERE / "readme.txt").read_text(encoding="utf-8").format_map(texts).encode()


_LEFT_OUT_EN = """
LEFT OUT of them are these fields: {}.
In their place stands a digest, so that the events can still be checked, and
so that what is left out can be shown later and be seen to be what was sealed.
A document that an event does not name any more is not here either. Answers and
report are from the whole events, and so they hold nothing but how many rows
each question had. What people wrote in fields that are here may still name
somebody: `persons` leaves out the fields that say who, and `texts` the rest."""
_LEFT_OUT_NB = """
UTELATT fra dem er disse feltene: {}.
I stedet står et fingeravtrykk, slik at hendelsene fortsatt kan kontrolleres,
og slik at det utelatte kan vises senere og kjennes igjen som det som ble
forseglet. Et dokument som ingen hendelse her nevner lenger, er heller ikke med.
Svarene og rapporten bygger på de hele hendelsene, og sier derfor bare hvor
mange rader hvert spørsmål ga. Det folk har skrevet i felter som er med, kan
fortsatt nevne noen: `persons` utelater feltene som sier hvem, `texts` resten."""
_ONE_CASE_EN = """
ONE CASE

Of the call's money only what concerns this case is here, and questions that
compare or count cases are not answered."""
_ONE_CASE_NB = """
ÉN SAK

Av utlysningens penger er bare det som gjelder denne saken med, og spørsmål som
sammenligner eller teller saker, er ikke besvart."""
