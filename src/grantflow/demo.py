"""The 2023 call played on a simulated clock, through the same service, sweep and read models as production."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from grantflow.deadlines import sweep
from grantflow.domain.call import Call
from grantflow.domain.deciding import Circumstances
from grantflow.domain.errors import RulesFailed
from grantflow.domain.money import kroner
from grantflow.service import Receipt, Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from grantflow.app import App
    from grantflow.domain.errors import Refused

PUBLISHED = datetime(2023, 8, 10, 8, tzinfo=UTC)
TITLES = (
    "Rett i jobb", "Språk på arbeidsplassen", "Kommunen som arbeidsgiver", "Kort vei til arbeid", "Ny start i helse",
    "Deltid og norsk", "Fadder i bedrift", "Fra praksis til fast jobb",
)  # fmt: skip
BLOCKS = ("purpose", "amount", "payment", "conditions", "consequences")
LATE = 9
RESERVATIONS = ("control", "no-appeal", "later-years")


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the year. Amounts are decimal strings in kroner."""

    call: str
    frame: str
    granted_total: str
    paid_total: str
    applications: int
    by_state: dict[str, int]
    events: int
    refusals: dict[str, int]
    rules_refused: dict[str, int]
    overdue: int
    repaid_total: str
    database: str


class Case:
    """One municipality's case as the demo plays it."""

    def __init__(self, number: int, organisation: str, rng: random.Random) -> None:
        self.number, self.organisation = number, organisation
        self.id: UUID | None = None
        self.asked = rng.randrange(20, 300) * 1_000_000
        self.points = rng.randrange(2, 7)
        self.title = rng.choice(TITLES)
        self.participants = rng.randrange(10, 60)
        self.late = number % 10 == LATE
        """Nobody submits it in good time: some lapse, one makes it by a millisecond, one comes at the limit."""
        self.granted = 0
        self.report = ""

    def content(self) -> dict[str, dict[str, Any]]:
        """What the municipality fills in: good content, before any flaw."""
        own = self.asked // 5
        line = {"text": "Prosjektleder og språkmentorer", "class": "project", "year": 2023}
        reference = {
            "title": "Tidligere kvalifiseringsprosjekt",
            "year": 2021,
            "results": "60 prosent i arbeid.",
        }
        return {
            "project": {
                "title": self.title,
                "summary": "Kort, arbeidsrettet introduksjonsprogram hos lokale arbeidsgivere.",
                "priority_area": 6,
                "themes": ["employer-cooperation", "language-in-work"],
                "participants": self.participants,
                "target_groups": {
                    "introduction_act": self.participants - 5, "integration_act": 3, "chapter_6a": 2, "other": 0,
                },
                "measure_kind": "new",
                "method": "Fire dager i arbeid, én dag norsk på arbeidsplassen, og en fadder for hver deltaker.",
                "expected_results": "To av tre i arbeid eller utdanning innen et halvt år.",
                "transfer_value": "Et metodehefte som andre kommuner kan ta i bruk.",
                "starts_on": "2023-10-01",
                "ends_on": "2023-12-31",
                "references": [reference],
                "language_training": False,
                "language_training_only_chapter_6a": False,
                "outside_acts": False,
            },
            "applicant": {"contact_role": "Rådgiver integrering", "project_lead_role": "Prosjektleder"},
            "partners": {"organisations": []},
            "budget": {
                "lines": [{**line, "amount": kroner(self.asked + own)}],
                "own_contribution": kroner(own),
                "other_public_support": [],
                "asked": kroner(self.asked),
            },
            "declarations": {
                "follows_curricula": True, "takes_responsibility": True, "applies_for_exemption": False,
            },
        }  # fmt: skip


FLAWS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("project", {"priority_area": 4}),
    ("project", {"measure_kind": "established"}),
    ("project", {"references": []}),
    ("project", {"themes": []}),
    ("project", {"outside_acts": True}),
    ("budget", {"own_contribution": "0.00"}),
    ("partners", {"organisations": [{"organisation": "987879696", "role": "Partner"}]}),
)


class Year:
    """Plays the year, step by step; every answer is counted."""

    def __init__(self, app: App, files: Mapping[str, str], applications: int, seed: int) -> None:
        self.app, self.files = app, files
        self.call = Call.read(files)
        self.seed, self.count = seed, 0
        self.refusals: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        rng = random.Random(seed)  # noqa: S311 - a story, not a secret
        towns = sorted(self.call.register.municipalities)
        self.cases = [Case(n, rng.choice(towns), rng) for n in range(applications)]

    def play(self) -> Summary:
        """From publication to the end; then the figures."""
        by = self._by("imdi-lead", "call-manager", self.call.authority, PUBLISHED)
        self.app.service.publish(self.files, by)
        self._apply()
        sweep(datetime(2023, 8, 28, 22, tzinfo=UTC), self.app.service, self.app.projector)
        self._decide()
        self._pay_and_report()
        return self._summary()

    def _apply(self) -> None:
        at = PUBLISHED + timedelta(days=2)
        for case, receipt in zip(
            self.cases, self._wave(at, self.cases, "start", "applicant", {}), strict=True
        ):
            case.id = receipt.case if isinstance(receipt, Receipt) else None
        for n, section in enumerate(("project", "applicant", "partners", "budget", "declarations")):
            sections = [self._flawed(case, section) for case in self.cases]
            data = [{"section": section, "content": content} for content in sections]
            self._wave(at + timedelta(hours=n + 1), self.cases, "edit", "applicant", data)
        finished = [case for case in self.cases if not case.late]
        self._approve_and_submit(at + timedelta(days=5), finished)
        mended = [case for case in finished if case.number < len(FLAWS)]
        for case in mended:
            section = FLAWS[case.number][0]
            again = [{"section": section, "content": case.content()[section]}]
            self._wave(at + timedelta(days=7), [case], "edit", "applicant", again)
        self._approve_and_submit(at + timedelta(days=8), mended)
        late = [case for case in self.cases if case.late]
        self._wave(
            at + timedelta(days=9), late[:2], "approve", "director", {"capacity": "municipal-director"}
        )
        limit = self.call.limit("application")
        self._wave(limit - timedelta(milliseconds=1), late[:1], "submit", "applicant", {})
        self._wave(limit, late[1:2], "submit", "applicant", {})

    def _flawed(self, case: Case, section: str) -> dict[str, Any]:
        content = case.content()[section]
        if case.number < len(FLAWS) and FLAWS[case.number][0] == section:
            content |= FLAWS[case.number][1]
        return content

    def _approve_and_submit(self, at: datetime, cases: Sequence[Case]) -> None:
        self._wave(at, cases, "approve", "director", {"capacity": "municipal-director"})
        self._wave(at + timedelta(hours=2), cases, "submit", "applicant", {})

    def _decide(self) -> None:
        at = datetime(2023, 9, 4, 8, tzinfo=UTC)
        cases = self._in_state("submitted")
        self._wave(
            at, cases[:1], "declare-impartiality", "assessor", {"conflict": True, "reason": "Nær slektning."}
        )
        points = {"criterion": "purpose", "points": 5, "grounds": "Forsøk."}
        self._wave(at, cases[:1], "score", "assessor", points)
        self._wave(at + timedelta(days=1), cases, "declare-impartiality", "case-officer", {"conflict": False})
        for n, criterion in enumerate(self.call.criteria):
            grounds = f"{criterion.name['nb']}: vurdert mot søknaden."
            scores = [
                {"criterion": criterion.id, "points": case.points, "grounds": grounds} for case in cases
            ]
            self._wave(at + timedelta(days=2, hours=n), cases, "score", "case-officer", scores)
        assessments = [
            {"recommendation": "grant", "amount": kroner(case.asked), "grounds": f"{case.points} av 6."}
            for case in cases
        ]
        self._wave(at + timedelta(days=8), cases, "assess", "case-officer", assessments)
        self._wave(at + timedelta(days=9), cases, "declare-impartiality", "decider", {"conflict": False})
        ranked = sorted(cases, key=lambda case: (-case.points, case.number))
        for n, case in enumerate(ranked):
            self._decide_one(at + timedelta(days=14, minutes=n), case)

    def _decide_one(self, at: datetime, case: Case) -> None:
        grounds = {
            "rule": "Utlysningen og rundskriv 7/2023",
            "facts": f"{case.title}: {case.participants} deltakere, søknadsbeløp {kroner(case.asked)} kroner.",
            "considerations": f"Samlet vurdering {case.points} av 6 sammenholdt med de andre søknadene.",
        }
        confirmed = {"legal_basis": True, "budget_cover": True, "economically_sound": True}
        decision = {"amount": kroner(case.asked), "grounds": grounds, "authority": "IMDi-2023-014"}
        answer = self._wave(at, [case], "grant", "decider", {**decision, "confirmations": confirmed})[0]
        if isinstance(answer, Receipt):
            case.granted = case.asked
        else:
            rejection = {"grounds": grounds, "authority": "IMDi-2023-014"}
            self._wave(at + timedelta(seconds=30), [case], "reject", "decider", rejection)

    def _pay_and_report(self) -> None:
        at = datetime(2023, 10, 2, 8, tzinfo=UTC)
        cases = self._in_state("granted")
        officer = {"conflict": False}
        letter = {
            "language": "nb",
            "blocks": {name: f"Avsnitt om {name}." for name in BLOCKS},
            "reservations": {name: f"Forbehold: {name}." for name in RESERVATIONS},
        }
        self._wave(at, cases, "issue-letter", "decider", letter)
        account = {"account": "12345678903"}
        self._wave(at + timedelta(hours=1), cases, "register-account", "case-officer", account)
        attests = [{"amount": kroner(case.granted)} for case in cases]
        self._wave(at + timedelta(hours=2), cases, "declare-impartiality", "attestant", officer)
        self._wave(at + timedelta(hours=3), cases, "attest-payment", "attestant", attests)
        self._wave(at + timedelta(hours=4), cases, "declare-impartiality", "payer", officer)
        self._wave(at + timedelta(hours=5), cases, "authorise-payment", "payer", {})
        self._wave(
            at + timedelta(days=2), cases, "confirm-payment", "payer", {"bank_reference": "DNB-2023-10"}
        )
        for instant in ("2024-01-02", "2024-01-25"):
            sweep(datetime.fromisoformat(f"{instant}T09:00:00+00:00"), self.app.service, self.app.projector)
        self._report(datetime(2024, 1, 26, 9, tzinfo=UTC), cases[1:])
        sweep(self.call.limit("report"), self.app.service, self.app.projector)
        self._report(datetime(2024, 2, 9, 9, tzinfo=UTC), cases[:1])
        accepted = {"assessment": "Rapport og regnskap er i samsvar med tilskuddsbrevet."}
        self._wave(datetime(2024, 2, 20, 9, tzinfo=UTC), cases, "accept-report", "case-officer", accepted)
        self._repay(cases)

    def _report(self, at: datetime, cases: Sequence[Case]) -> None:
        reports = []
        for case in cases:
            spent = case.granted - (case.granted // 10 if case.number % 3 == 0 else 0)
            expense = {
                "text": "Prosjektleder",
                "booked_on": "2023-12-15",
                "amount": kroner(spent),
                "class": "project",
            }
            report = {
                "results_by_goal": "To av tre deltakere er i arbeid.",
                "use_of_money": "Lønn til prosjektleder og språkmentorer.",
                "participants_reached": case.participants,
                "conditions": [],
            }
            accounts = {"income": [], "expenses": [expense], "other_public_support": []}
            reports.append({"report": report, "accounts": accounts})
        self._wave(at, cases, "submit-report", "project-lead", reports)
        digests = [{"digest": self._digest(case)} for case in cases]
        self._wave(at + timedelta(hours=1), cases, "sign-accounts", "project-lead", digests)
        self._wave(at + timedelta(hours=2), cases, "countersign-accounts", "superior", digests)

    def _digest(self, case: Case) -> str:
        report = self.app.service.states.case(case.id).report if case.id else None
        return report.digest if report else ""

    def _repay(self, cases: Sequence[Case]) -> None:
        states = self.app.service.states
        owing = [case for case in cases if case.id and states.case(case.id).repayment is not None]
        notice = {"answer_by": "2024-03-15", "reason": "Regnskapet viser ubrukte midler."}
        self._wave(datetime(2024, 3, 1, 9, tzinfo=UTC), owing, "notify-repayment", "case-officer", notice)
        claim = {
            "due": "2024-04-30",
            "reason": "Ubrukte midler betales tilbake.",
            "authority": "IMDi-2023-014",
        }
        self._wave(datetime(2024, 3, 20, 9, tzinfo=UTC), owing, "claim-repayment", "decider", claim)
        amounts = [{"amount": kroner(case.granted // 10), "bank_reference": "DNB-2024-04"} for case in owing]
        self._wave(datetime(2024, 4, 25, 9, tzinfo=UTC), owing, "record-repayment", "case-officer", amounts)

    def _in_state(self, state: str) -> list[Case]:
        states = self.app.service.states
        return [case for case in self.cases if case.id and states.case(case.id).state == state]

    def _wave(
        self,
        at: datetime,
        cases: Sequence[Case],
        step: str,
        role: str,
        data: dict[str, Any] | list[dict[str, Any]],
    ) -> list[Receipt | Refused]:
        """One step in each case, in one go; the answers in order."""
        municipal = role in {"applicant", "director", "project-lead", "superior"}
        requests = []
        for n, case in enumerate(cases):
            organisation = case.organisation if municipal else self.call.authority
            person = f"{case.organisation if municipal else 'imdi'}-{role}"
            said = data[n] if isinstance(data, list) else data
            by = self._by(person, role, organisation, at)
            begun = self.call.id if step == "start" else ""
            requests.append(Request(step=step, case=case.id, call=begun, data=said, by=by))
        answers = list(self.app.service.handle_all(requests))
        for answer in answers:
            if not isinstance(answer, Receipt):
                self.refusals[answer.code] += 1
                if isinstance(answer, RulesFailed):
                    self.rules.update(failure.rule for failure in answer.failures)
        return answers

    def _by(self, person: str, role: str, organisation: str, at: datetime) -> Circumstances:
        self.count += 1
        return Circumstances(
            at=at,
            person=person,
            organisation=organisation,
            role=role,
            channel="demo",
            command=f"demo-{self.seed}-{self.count}",
        )

    def _summary(self) -> Summary:
        projector = self.app.projector
        projector.catch_up()
        rows = projector.rows(
            "SELECT state, count(*)::int AS cases, sum(granted_ore)::bigint AS granted, "
            "sum(paid_ore)::bigint AS paid FROM case_list GROUP BY state ORDER BY state"
        )
        topics = {
            row["topic"]: row["events"]
            for row in projector.rows("SELECT topic, count(*)::int AS events FROM audit_trail GROUP BY topic")
        }
        repaid = projector.rows(
            "SELECT coalesce(sum((facts->>'amount_ore')::bigint), 0)::bigint AS ore FROM audit_trail "
            "WHERE topic = 'repayment-received@1'"
        )
        return Summary(
            call=self.call.id,
            frame=kroner(self.call.frame),
            granted_total=kroner(sum(row["granted"] for row in rows)),
            paid_total=kroner(sum(row["paid"] for row in rows)),
            applications=len(self.cases),
            by_state={row["state"]: row["cases"] for row in rows},
            events=self.app.store.last_position(),
            refusals=dict(sorted(self.refusals.items())),
            rules_refused=dict(sorted(self.rules.items())),
            overdue=topics.get("marked-overdue@1", 0),
            repaid_total=kroner(repaid[0]["ore"]),
            database="",
        )
