"""What each refusal is called, in bokmål, nynorsk and English."""

from __future__ import annotations

_TITLES: dict[str, tuple[str, str, str]] = {
    "approval-outdated": (
        "Godkjenningen gjelder et annet innhold",
        "Godkjenninga gjeld eit anna innhald",
        "The approval is of another content",
    ),
    "bad-request": (
        "Forespørselen har feil form",
        "Førespurnaden har feil form",
        "The request has the wrong form",
    ),
    "clock-behind": ("Klokken går etter", "Klokka går etter", "The clock is behind"),
    "contended": (
        "Noen andre endret saken samtidig",
        "Nokon andre endra saka samstundes",
        "Somebody else changed this at the same time",
    ),
    "database-unavailable": (
        "Databasen svarer ikke",
        "Databasen svarar ikkje",
        "The database does not answer",
    ),
    "definition-broken": (
        "Utlysningen kan ikke brukes",
        "Utlysinga kan ikkje brukast",
        "The definition can't be used",
    ),
    "disqualified": ("Du er inhabil i saken", "Du er inhabil i saka", "You are disqualified in the case"),
    "fault": ("Feil i tjenesten", "Feil i tenesta", "A fault in the service"),
    "frame-exceeded": ("Rammen er overskredet", "Ramma er overskriden", "The frame would be exceeded"),
    "idempotency-key-reused": (
        "Nøkkelen er brukt til noe annet",
        "Nøkkelen er brukt til noko anna",
        "The idempotency key was used for something else",
    ),
    "identity-number": (
        "Teksten har et fødselsnummer",
        "Teksten har eit fødselsnummer",
        "The text holds a national identity number",
    ),
    "impartiality-not-declared": (
        "Habilitet er ikke erklært",
        "Habilitet er ikkje erklært",
        "Impartiality is not declared",
    ),
    "method-not-allowed": (
        "Metoden finnes ikke her",
        "Metoden finst ikkje her",
        "The method is not for this path",
    ),
    "no-authority": ("Fullmakt mangler", "Fullmakt manglar", "No authority covers this"),
    "no-right": ("Du har ikke rett til dette", "Du har ikkje rett til dette", "You have no right to this"),
    "no-such-position": (
        "Loggen er ikke så lang",
        "Loggen er ikkje så lang",
        "The log is not that long",
    ),
    "not-allowed": (
        "Steget er ikke mulig med dette innholdet",
        "Steget er ikkje mogleg med dette innhaldet",
        "Not possible with this content",
    ),
    "not-caught-up": (
        "Oversikten er ikke oppdatert ennå",
        "Oversikta er ikkje oppdatert enno",
        "The read model has not got there yet",
    ),
    "not-found": ("Finnes ikke", "Finst ikkje", "There is no such thing"),
    "not-ready": ("Noe må gjøres først", "Noko må gjerast først", "Something must come first"),
    "not-sealed": (
        "Hendelsen er ikke forseglet ennå",
        "Hendinga er ikkje forsegla enno",
        "The event is not sealed yet",
    ),
    "not-the-authority": (
        "Rollen hører til et annet organ",
        "Rolla høyrer til eit anna organ",
        "The role belongs to another authority",
    ),
    "overloaded": ("For mange venter", "For mange ventar", "Too many are waiting"),
    "past-deadline": ("Fristen er ute", "Fristen er ute", "The deadline has passed"),
    "role-not-allowed": (
        "Rollen kan ikke ta dette steget",
        "Rolla kan ikkje ta dette steget",
        "The role may not take this step",
    ),
    "rules-failed": (
        "Vilkår i utlysningen er ikke oppfylt",
        "Vilkår i utlysinga er ikkje oppfylte",
        "Rules of the call do not hold",
    ),
    "same-person": (
        "En annen person må ta dette steget",
        "Ein annan person må ta dette steget",
        "Somebody else must take this step",
    ),
    "step-not-allowed": (
        "Steget er ikke mulig nå",
        "Steget er ikkje mogleg no",
        "The step is not possible now",
    ),
    "superior-disqualified": (
        "Den overordnede er inhabil",
        "Den overordna er inhabil",
        "The superior is disqualified",
    ),
    "too-large": ("For stort", "For stort", "Too large"),
    "too-many-requests": ("For mange forespørsler", "For mange førespurnader", "Too many requests"),
    "too-slow": ("For tregt", "For tregt", "Too slow"),
    "unauthenticated": ("Ikke innlogget", "Ikkje innlogga", "Not authenticated"),
    "version-mismatch": (
        "Saken er endret siden du leste den",
        "Saka er endra sidan du las henne",
        "The case has changed since you read it",
    ),
    "wrong-media-type": (
        "Innholdet er av feil slag",
        "Innhaldet er av feil slag",
        "The content is of the wrong kind",
    ),
}
_PLACES = {"nb": 0, "nn": 1, "en": 2}


def title_of(code: str, language: str) -> str:
    """What a refusal with this code is called; one that has no words here goes by its code."""
    words = _TITLES.get(code)
    return words[_PLACES[language]] if words else code.replace("-", " ").capitalize()
