"""The letters of the story: five blocks and the reservations of a grant, grounds of a rejection, in nb and nn (R34)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.domain.money import kr

if TYPE_CHECKING:
    from grantflow.demo.cases import Case

GRANT = {
    "nb": {
        "purpose": "Tilskuddet går til «{title}»: {summary} Midlene skal brukes i 2023.",
        "amount": "IMDi innvilger {amount}. Søknadsbeløpet var {asked}.",
        "payment": "Beløpet utbetales samlet til kommunens konto når dette brevet er sendt.",
        "conditions": "Rapport og regnskap leveres i portalen innen 1. februar 2024, signert av to personer."
        "{conditions}",
        "consequences": "Midler som ikke er brukt som forutsatt, eller ikke er brukt, kan kreves tilbake.",
    },
    "nn": {
        "purpose": "Tilskotet går til «{title}»: {summary} Midlane skal brukast i 2023.",
        "amount": "IMDi innvilgar {amount}. Søknadsbeløpet var {asked}.",
        "payment": "Beløpet blir utbetalt samla til kontoen til kommunen når dette brevet er sendt.",
        "conditions": "Rapport og rekneskap skal leverast i portalen innan 1. februar 2024, signert av to personar."
        "{conditions}",
        "consequences": "Midlar som ikkje er brukte som føresett, eller ikkje er brukte, kan krevjast tilbake.",
    },
}
RESERVATIONS = {
    "nb": {
        "control": "IMDi og Riksrevisjonen kan kontrollere at midlene brukes etter forutsetningene.",
        "no-appeal": "Vedtaket kan ikke påklages, jf. forvaltningsloven §§ 3 og 28.",
        "later-years": "Tilskudd i senere år forutsetter at Stortinget bevilger midler.",
    },
    "nn": {
        "control": "IMDi og Riksrevisjonen kan kontrollere at midlane blir brukte etter føresetnadene.",
        "no-appeal": "Det er ikkje klagerett på vedtaket, jf. forvaltningslova §§ 3 og 28.",
        "later-years": "Tilskot i seinare år føreset at Stortinget løyver midlar.",
    },
}
REJECTION = {
    "nb": {
        "decision": "IMDi avslår søknaden om tilskudd til «{title}».",
        "grounds": "Rammen rakk ikke til alle. Søknaden fikk {points} poeng; prosjekter med flere gikk foran.",
    },
    "nn": {
        "decision": "IMDi avslår søknaden om tilskot til «{title}».",
        "grounds": "Ramma rakk ikkje til alle. Søknaden fekk {points} poeng; prosjekt med fleire gjekk føre.",
    },
}
_CONDITIONS = {
    "nb": " Særskilt vilkår: metodeheftet leveres innen 15. desember 2023.",
    "nn": " Særskilt vilkår: metodeheftet skal leverast innan 15. desember 2023.",
}


def grant_letter(case: Case) -> dict[str, Any]:
    """The content of `issue-letter` for a grant, in the municipality's own form of Norwegian."""
    words = case.idea.words(case.language)
    told = {
        "title": words.title,
        "summary": words.summary.format(n=case.participants, place=case.municipality.name),
        "amount": kr(case.granted),
        "asked": kr(case.asked),
        "conditions": _CONDITIONS[case.language] if case.conditions else "",
    }
    return _letter(case.language, GRANT[case.language], told, RESERVATIONS[case.language])


def rejection_letter(case: Case) -> dict[str, Any]:
    """The content of `issue-letter` for a rejection."""
    told = {"title": case.idea.words(case.language).title, "points": str(sum(case.points.values()))}
    no_appeal = {"no-appeal": RESERVATIONS[case.language]["no-appeal"]}
    return _letter(case.language, REJECTION[case.language], told, no_appeal)


def _letter(
    language: str, blocks: dict[str, str], told: dict[str, str], reservations: dict[str, str]
) -> dict[str, Any]:
    written = {name: text.format(**told) for name, text in blocks.items()}
    return {"language": language, "blocks": written, "reservations": reservations}
