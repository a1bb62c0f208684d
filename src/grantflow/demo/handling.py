"""Second chapter: case officers declare, ask, consult and score, and close with a recommendation (R2, R30, R33)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from grantflow.demo.cases import applicant, told_of
from grantflow.demo.people import authority
from grantflow.demo.stage import oslo
from grantflow.domain.money import kr, kroner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.demo.cases import Case
    from grantflow.demo.people import Actor, Directorate
    from grantflow.demo.stage import Data, Stage

NO_CONFLICT = {"conflict": False}
_BEST, _GOOD = 5, 4


def handle(stage: Stage, imdi: Directorate, cases: Sequence[Case]) -> None:
    """From the first declaration of impartiality to the last recommendation."""
    for case in told_of(cases, "officer-disqualified"):
        _step_aside(stage, imdi, case)
    _declare_and_assign(stage, imdi, cases)
    language, lacking = told_of(cases, "language-training"), told_of(cases, "lacks-information")
    for case in lacking:
        _ask_for_information(stage, imdi, case)
    for case in told_of(cases, "dismissed"):
        asked = {"what": "Send samarbeidspartens bekreftelse.", "due": "2023-09-15"}
        stage.one(
            oslo("2023-09-07", "15:00"), case, "request-information", imdi.officer(case.number), **asked
        )
    for case in language:
        _consult(stage, imdi, case)
    _score(stage, imdi, cases)
    for case in told_of(cases, "withdrawn"):
        reason = "Samarbeidspartneren har trukket seg."
        stage.one(oslo("2023-09-18"), case, "withdraw", applicant(case), reason=reason)
    for case in language:
        early = _assessment(case)
        with stage.refusing("not-ready"):
            stage.one(oslo("2023-09-18", "10:00"), case, "assess", _officer(imdi, case), **early)
        statement = {"body": "HK-dir", "statement": "Opplegget følger læreplanen i norsk for voksne."}
        stage.one(oslo("2023-09-19"), case, "record-statement", _officer(imdi, case), **statement)
    cases = [case for case in cases if case.tale != "withdrawn"]
    cases = _dismiss(stage, imdi, cases)
    stage.each(
        oslo("2023-09-19", "12:00"),
        [case for case in cases if not case.weak],
        "assess-state-aid",
        lambda case: _officer(imdi, case),
        {"conclusion": "no-aid", "grounds": "Kommunen driver ikke økonomisk aktivitet i prosjektet."},
    )
    stage.each(oslo("2023-09-20"), cases, "assess", lambda case: _officer(imdi, case), _assessment)


def _dismiss(stage: Stage, imdi: Directorate, cases: Sequence[Case]) -> list[Case]:
    """What was asked for never came, and without it the application can't be considered: dismissed, not rejected."""
    for case in told_of(cases, "dismissed"):
        decider = imdi.decider(case.number)
        grounds = {
            "rule": "Utlysningen, vilkår for å få tilskudd.",
            "facts": "Søknaden mangler samarbeidspartens bekreftelse; den er etterlyst med frist 15. september.",
            "considerations": "Uten bekreftelsen kan søknaden ikke vurderes mot vilkårene.",
        }
        dismissal = {"cause": "incomplete", "grounds": grounds, "authority": authority(case.number)}
        stage.one(oslo("2023-09-19", "10:00"), case, "declare-impartiality", decider, **NO_CONFLICT)
        stage.one(oslo("2023-09-19", "10:30"), case, "dismiss", decider, **dismissal)
        stage.one(oslo("2023-09-19", "11:00"), case, "issue-letter", decider)
    return [case for case in cases if case.tale != "dismissed"]


def _officer(imdi: Directorate, case: Case) -> Actor:
    return imdi.colleague(case.number) if case.tale == "officer-disqualified" else imdi.officer(case.number)


def _step_aside(stage: Stage, imdi: Directorate, case: Case) -> None:
    """The case officer is related to the project lead, says so, and is barred from then on (fvl §§ 6-10)."""
    related = {"conflict": True, "reason": "Søsken av prosjektlederen i kommunen."}
    officer = imdi.officer(case.number)
    stage.one(oslo("2023-09-04"), case, "declare-impartiality", officer, **related)
    points = {"criterion": stage.call.criteria[0].id, "points": 6, "grounds": "Et godt prosjekt."}
    with stage.refusing("disqualified"):
        stage.one(oslo("2023-09-04", "09:30"), case, "score", officer, **points)


def _declare_and_assign(stage: Stage, imdi: Directorate, cases: Sequence[Case]) -> None:
    """Nobody touches a case before declaring: the first who tries is refused."""
    early = cases[0]
    points = {"criterion": stage.call.criteria[0].id, "points": 5, "grounds": "Lovende."}
    with stage.refusing("impartiality-not-declared"):
        stage.one(oslo("2023-09-04", "10:00"), early, "score", imdi.officer(early.number), **points)
    who = {case.number: _officer(imdi, case) for case in cases}
    stage.each(
        oslo("2023-09-05"),
        cases,
        "declare-impartiality",
        lambda case: who[case.number],
        NO_CONFLICT,
    )
    stage.each(
        oslo("2023-09-05", "10:00"),
        cases,
        "assign",
        lambda case: who[case.number],
        lambda case: {"case_officer": who[case.number].person},
    )


def _ask_for_information(stage: Stage, imdi: Directorate, case: Case) -> None:
    """What is missing is asked for with a date, and the answer kept beside the application (fvl § 11, R33)."""
    asked = {"what": "Send samarbeidsavtalen med arbeidsgiverne.", "due": "2023-09-15"}
    stage.one(oslo("2023-09-06"), case, "request-information", imdi.officer(case.number), **asked)
    late_edit = {"section": "project", "content": case.content["project"]}
    with stage.refusing("step-not-allowed"):
        stage.one(oslo("2023-09-06", "12:00"), case, "edit", applicant(case), **late_edit)
    answer = {"request": 1, "answer": "Avtale med tre arbeidsgivere er undertegnet 1. september."}
    stage.one(oslo("2023-09-07", "14:00"), case, "supply", applicant(case), **answer)


def _consult(stage: Stage, imdi: Directorate, case: Case) -> None:
    """Training in Norwegian: HK-dir is asked for a statement (R30)."""
    asked = {"body": "HK-dir", "question": "Er opplæringen i tråd med læreplanen?"}
    stage.one(oslo("2023-09-08"), case, "consult", imdi.officer(case.number), **asked)


def _score(stage: Stage, imdi: Directorate, cases: Sequence[Case]) -> None:
    """Points with grounds on each criterion; the best are read by one more."""
    for day, criterion in enumerate(stage.call.criteria, start=11):
        stage.each(
            oslo(f"2023-09-{day}"),
            cases,
            "score",
            lambda case: _officer(imdi, case),
            partial(_points, criterion.id, 0),
        )
    shortlist = sorted(cases, key=lambda case: case.rank)[:12]
    assessor = imdi.assessor()
    at = oslo("2023-09-15")
    stage.each(at, shortlist, "declare-impartiality", assessor, NO_CONFLICT)
    for hour, criterion in enumerate(stage.call.criteria, start=10):
        stage.each(
            oslo("2023-09-15", f"{hour}:00"),
            shortlist,
            "score",
            assessor,
            partial(_points, criterion.id, 1),
        )


def _points(criterion: str, stricter: int, case: Case) -> Data:
    """The officer's points, or those of an assessor who is `stricter` in every other case."""
    points = case.points[criterion] - stricter * (case.number % 2)
    view = {
        "purpose": f"Skal få {case.participants} deltakere nærmere arbeid; målene er konkrete.",
        "delivery-capacity": f"Kommunen bidrar med {kr(case.own)} og viser til tidligere prosjekt.",
        "transfer-value": case.idea.words("nb").transfer,
        "priority-theme": f"Temaer: {', '.join(case.idea.themes)}.",
    }
    strength = "Sterkt" if points >= _BEST else "Godt" if points >= _GOOD else "Svakt underbygd"
    return {"criterion": criterion, "points": points, "grounds": f"{strength}. {view[criterion]}"}


def _assessment(case: Case) -> Data:
    title, total = case.idea.words("nb").title, sum(case.points.values())
    if case.weak:
        return {"recommendation": "reject", "grounds": f"«{title}»: {total} poeng; målene er lite konkrete."}
    grounds = f"«{title}»: {total} poeng; finansieringsbehovet er vurdert mot budsjett og måloppnåelse."
    return {"recommendation": "grant", "amount": kroner(case.recommended), "grounds": grounds}
