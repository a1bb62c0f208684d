"""A grant that proves invalid is reversed; what it releases goes to one who complained with reason (fvl §§ 16, 35)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.demo.cases import applicant, told_of
from grantflow.demo.deciding import decision, grounds
from grantflow.demo.letters import grant_letter
from grantflow.demo.people import authority
from grantflow.demo.stage import oslo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.demo.cases import Case
    from grantflow.demo.people import Actor, Directorate
    from grantflow.demo.stage import Stage


def reverse(stage: Stage, imdi: Directorate, granted: list[Case], rejected: Sequence[Case]) -> list[Case]:
    """Returns those who have a grant afterwards, best first."""
    taken_back = told_of(granted, "reversed")
    complaining, in_vain = rejected[:1], rejected[1:2]
    for case in (*complaining, *in_vain):
        complaint = {"text": "Poengene på overføringsverdi er for lave: metodeheftet er ikke lest."}
        stage.one(oslo("2023-10-02", "12:30"), case, "register-complaint", applicant(case), **complaint)
    for case in in_vain:
        decider, forwarded = (
            _decider(imdi, case),
            {"complaint": 1, "outcome": "forwarded", "answer": "Sendt videre."},
        )
        with stage.refusing("not-allowed"):
            stage.one(oslo("2023-10-02", "14:55"), case, "answer-complaint", decider, **forwarded)
        answer = {"complaint": 1, "outcome": "not-reversed", "answer": "Poengene er gjennomgått og står."}
        stage.one(oslo("2023-10-02", "15:00"), case, "answer-complaint", decider, **answer)
    for case in taken_back:
        _take_back(stage, imdi, case)
    for case in complaining:
        if taken_back:
            _grant_after_all(stage, imdi, case, taken_back[0].granted)
    for case in taken_back:
        case.granted = 0
    return [case for case in (*granted, *complaining) if case.granted]


def _take_back(stage: Stage, imdi: Directorate, case: Case) -> None:
    """The project has the same money from elsewhere: notice, answer, reversal, letter; then it is rejected."""
    officer, decider = imdi.officer(case.number), _decider(imdi, case)
    reversal = {
        "case_of_35": "invalid",
        "grounds": {
            "rule": "Forvaltningsloven § 35 første ledd bokstav c; utlysningen, finansieringsplan.",
            "facts": "Prosjektet var fullfinansiert av Statsforvalteren før vedtaket.",
            "considerations": "Vedtaket bygger på uriktige opplysninger om behovet; pengene kan ikke gis to ganger.",
        },
        "authority": authority(case.place),
    }
    with stage.refusing("not-ready"):
        stage.one(oslo("2023-10-02", "16:00"), case, "reverse", decider, **reversal)
    notice = {"reason": "Statsforvalteren opplyser at tiltaket er finansiert.", "answer_by": "2023-10-16"}
    stage.one(oslo("2023-10-02", "16:10"), case, "notify-reversal", officer, **notice)
    answer = {"answer": "Det stemmer; vi beklager at det ikke sto i søknaden."}
    stage.one(oslo("2023-10-03", "11:00"), case, "answer-notice", applicant(case), **answer)
    stage.one(oslo("2023-10-03", "14:00"), case, "reverse", decider, **reversal)
    stage.one(oslo("2023-10-03", "14:30"), case, "issue-letter", decider)
    rejection = {"grounds": grounds(case), "authority": authority(case.place)}
    stage.one(oslo("2023-10-03", "15:00"), case, "reject", decider, **rejection)
    stage.one(oslo("2023-10-03", "15:30"), case, "issue-letter", decider)


def _grant_after_all(stage: Stage, imdi: Directorate, case: Case, released: int) -> None:
    """The complaint is right: the rejection is reversed, which hurts nobody, and money has come free."""
    decider = _decider(imdi, case)
    answer = {
        "complaint": 1,
        "outcome": "to-be-reversed",
        "answer": "Metodeheftet er lest; vedtaket omgjøres.",
    }
    stage.one(oslo("2023-10-03", "16:00"), case, "answer-complaint", decider, **answer)
    reversal = {
        "case_of_35": "not-to-detriment",
        "grounds": grounds(case),
        "authority": authority(case.place),
    }
    stage.one(oslo("2023-10-03", "16:10"), case, "reverse", decider, **reversal)
    stage.one(oslo("2023-10-03", "16:15"), case, "issue-letter", decider)
    case.granted = min(case.recommended, released)
    stage.one(oslo("2023-10-03", "16:20"), case, "grant", decider, **decision(case, case.granted))
    stage.one(oslo("2023-10-03", "16:30"), case, "issue-letter", decider, **grant_letter(case))


def _decider(imdi: Directorate, case: Case) -> Actor:
    return imdi.decider(case.place)
