"""What municipalities applied for money to try: project ideas, in bokmål and nynorsk."""

from __future__ import annotations

import msgspec


class Words(msgspec.Struct, frozen=True):
    """A project in one language. `{n}` stands for the number of participants, `{place}` for the municipality."""

    title: str
    summary: str
    method: str
    results: str
    transfer: str


class Idea(msgspec.Struct, frozen=True):
    """A project idea: its coded themes (R18), what the money goes to, and its words by language."""

    themes: tuple[str, ...]
    lines: tuple[str, ...]
    nb: Words
    nn: Words

    def words(self, language: str) -> Words:
        """The idea in `nb` or `nn`."""
        return self.nn if language == "nn" else self.nb


IDEAS: tuple[Idea, ...] = (
    Idea(
        ("employer-cooperation", "language-in-work"),
        ("Prosjektleder, 60 prosent", "Språkmentorer på arbeidsplassen", "Samlinger og metodehefte"),
        Words(
            "Rett i jobb",
            "Kort introduksjonsprogram for {n} deltakere: fire dager i arbeid og én dag norsk hver uke.",
            "Hver deltaker får en fadder hos en lokal arbeidsgiver, og læreren kommer til arbeidsplassen.",
            "To av tre deltakere er i arbeid eller utdanning et halvt år etter programmet.",
            "Et metodehefte med avtaler, ukeplaner og erfaringstall som andre kommuner kan ta i bruk.",
        ),
        Words(
            "Rett i jobb",
            "Kort introduksjonsprogram for {n} deltakarar: fire dagar i arbeid og éin dag norsk kvar veke.",
            "Kvar deltakar får ein fadder hos ein lokal arbeidsgjevar, og læraren kjem til arbeidsplassen.",
            "To av tre deltakarar er i arbeid eller utdanning eit halvt år etter programmet.",
            "Eit metodehefte med avtalar, vekeplanar og erfaringstal som andre kommunar kan ta i bruk.",
        ),
    ),
    Idea(
        ("municipality-as-employer",),
        ("Rekrutteringsansvarlig, 50 prosent", "Veiledere i hjemmetjenesten", "Kursmateriell"),
        Words(
            "Kommunen som arbeidsgiver",
            "{place} rekrutterer {n} flyktninger til faste stillinger i pleie, renhold og kjøkken.",
            "Lærekandidatløp med lønn fra første dag, og en veileder i hver avdeling.",
            "Minst halvparten får fast stilling i kommunen innen utgangen av 2024.",
            "En oppskrift på lærekandidatløp som enhver kommune med egen hjemmetjeneste kan følge.",
        ),
        Words(
            "Kommunen som arbeidsgjevar",
            "{place} rekrutterer {n} flyktningar til faste stillingar i pleie, reinhald og kjøkken.",
            "Lærekandidatløp med løn frå første dag, og ein rettleiar i kvar avdeling.",
            "Minst halvparten får fast stilling i kommunen innan utgangen av 2024.",
            "Ei oppskrift på lærekandidatløp som alle kommunar med eiga heimeteneste kan følgje.",
        ),
    ),
    Idea(
        ("local-qualification",),
        ("Koordinator, 40 prosent", "Tilskudd til frivillige organisasjoner", "Transport av deltakere"),
        Words(
            "Dugnad for kvalifisering",
            "Idrettslag, bondelag og bedrifter i {place} tar imot {n} deltakere i ordinære oppgaver.",
            "Kommunen samler oppgavene i én plan, og en koordinator følger hver deltaker ukentlig.",
            "Alle har arbeidserfaring i Norge etter tre måneder, og ti har fått tilbud om jobb.",
            "Avtalemal og opplæring for organisasjoner, prøvd i en kommune uten store arbeidsgivere.",
        ),
        Words(
            "Dugnad for kvalifisering",
            "Idrettslag, bondelag og bedrifter i {place} tek imot {n} deltakarar i ordinære oppgåver.",
            "Kommunen samlar oppgåvene i éin plan, og ein koordinator følgjer kvar deltakar kvar veke.",
            "Alle har arbeidserfaring i Noreg etter tre månader, og ti har fått tilbod om jobb.",
            "Avtalemal og opplæring for organisasjonar, prøvd i ein kommune utan store arbeidsgjevarar.",
        ),
    ),
    Idea(
        ("part-time-work", "language-in-work"),
        ("Jobbspesialist, 80 prosent", "Kveldskurs i norsk", "Evaluering"),
        Words(
            "Deltid og norsk",
            "{n} deltakere arbeider 50 prosent mot lønn og har norsk og samfunnskunnskap resten av uka.",
            "En jobbspesialist finner deltidsstillinger og lager timeplanen sammen med arbeidsgiveren.",
            "Halvparten går over i minst 80 prosent stilling før programmet er slutt.",
            "En modell for timeplan og lønn som er avklart med partene, klar til bruk i andre kommuner.",
        ),
        Words(
            "Deltid og norsk",
            "{n} deltakarar arbeider 50 prosent mot løn og har norsk og samfunnskunnskap resten av veka.",
            "Ein jobbspesialist finn deltidsstillingar og lagar timeplanen saman med arbeidsgjevaren.",
            "Halvparten går over i minst 80 prosent stilling før programmet er slutt.",
            "Ein modell for timeplan og løn som er avklart med partane, klar til bruk i andre kommunar.",
        ),
    ),
    Idea(
        ("employer-cooperation",),
        ("Prosjektleder, 50 prosent", "Bransjeopplæring", "Frikjøp av faddere"),
        Words(
            "Bransjeprogram for havbruk",
            "Et kort løp for {n} deltakere mot jobb i fiskeforedling og havbruk.",
            "Bedriftene bestemmer innholdet i opplæringen, og deltakerne tar kurs i sikkerhet på to språk.",
            "Åtte av ti får tilbud om jobb i bransjen.",
            "Læreplan for bransjeløpet, delt med kommuner langs kysten.",
        ),
        Words(
            "Bransjeprogram for havbruk",
            "Eit kort løp for {n} deltakarar mot jobb i fiskeforedling og havbruk.",
            "Bedriftene bestemmer innhaldet i opplæringa, og deltakarane tek kurs i tryggleik på to språk.",
            "Åtte av ti får tilbod om jobb i bransjen.",
            "Læreplan for bransjeløpet, delt med kommunar langs kysten.",
        ),
    ),
    Idea(
        ("language-in-work", "municipality-as-employer"),
        ("Norsklærer på arbeidsplassen, 60 prosent", "Digitale ressurser", "Kompetanseheving"),
        Words(
            "Norsk på vakt",
            "Norskopplæring for {n} deltakere på sykehjem, i små økter gjennom vakten.",
            "Læreren deltar på vakten, og språkoppgavene hentes fra arbeidet samme dag.",
            "Deltakerne når ett nivå høyere i muntlig norsk på fire måneder.",
            "Et bibliotek av økter som kan brukes på ethvert sykehjem.",
        ),
        Words(
            "Norsk på vakt",
            "Norskopplæring for {n} deltakarar på sjukeheim, i små økter gjennom vakta.",
            "Læraren er med på vakta, og språkoppgåvene blir henta frå arbeidet same dag.",
            "Deltakarane når eitt nivå høgare i munnleg norsk på fire månader.",
            "Eit bibliotek av økter som kan brukast på alle sjukeheimar.",
        ),
    ),
    Idea(
        ("other",),
        ("Prosjektleder, 40 prosent", "Foreldreveiledere", "Leie av lokaler"),
        Words(
            "Familien i arbeid",
            "Introduksjonsprogram for {n} foreldre med små barn, lagt til barnehagens åpningstid.",
            "Praksis i barnehage og skole, med norsk i gruppe mens barna er i barnehagen.",
            "Ti mødre i arbeid eller fagopplæring innen ett år.",
            "En modell for samordnet barnehage og program, beskrevet trinn for trinn.",
        ),
        Words(
            "Familien i arbeid",
            "Introduksjonsprogram for {n} foreldre med små barn, lagt til opningstida i barnehagen.",
            "Praksis i barnehage og skule, med norsk i gruppe medan barna er i barnehagen.",
            "Ti mødrer i arbeid eller fagopplæring innan eitt år.",
            "Ein modell for samordna barnehage og program, skildra trinn for trinn.",
        ),
    ),
    Idea(
        ("employer-cooperation", "part-time-work"),
        ("Karriereveileder, 50 prosent", "Godkjenning av utdanning, bistand", "Bedriftsbesøk"),
        Words(
            "Fra utdanning til yrke",
            "{n} deltakere med fagutdanning fra hjemlandet kommer i arbeid i sitt eget yrke.",
            "Karriereveileder, hospitering to dager i uka og bistand til godkjenning av utdanningen.",
            "Halvparten er i relevant arbeid innen ett år.",
            "Kartleggingsverktøy og mal for hospiteringsavtale.",
        ),
        Words(
            "Frå utdanning til yrke",
            "{n} deltakarar med fagutdanning frå heimlandet kjem i arbeid i sitt eige yrke.",
            "Karriererettleiar, hospitering to dagar i veka og hjelp til godkjenning av utdanninga.",
            "Halvparten er i relevant arbeid innan eitt år.",
            "Kartleggingsverktøy og mal for hospiteringsavtale.",
        ),
    ),
)

REFERENCES = (
    ("Jobbsjansen del B", 2021, "68 prosent av deltakerne var i arbeid eller utdanning ett år etter."),
    ("Språkpraksis i barnehage", 2020, "22 av 31 deltakere fikk vikariat eller fast stilling."),
    ("Hurtigspor i helse", 2022, "Elleve av fjorten fullførte og fikk tilbud om stilling."),
    ("Menn i helse, lokal variant", 2021, "Ni av ti fullførte fagbrevet."),
)
"""Earlier projects that applications point to (R10): title, year, results."""
