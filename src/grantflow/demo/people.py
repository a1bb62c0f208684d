"""Who acts in the story: pseudonyms in their roles, at the municipalities and at the directorate."""

from __future__ import annotations

from datetime import timedelta

import msgspec

CASE_OFFICERS, DECIDERS = 3, 2


class Actor(msgspec.Struct, frozen=True):
    """One person in one role, for one organisation, through one channel."""

    person: str
    role: str
    organisation: str
    channel: str = "portal"
    lag: timedelta = timedelta(0)
    """How long after the fact this actor tells of it."""

    def as_role(self, role: str) -> Actor:
        """The same person, claiming another role."""
        return msgspec.structs.replace(self, role=role)


class Directorate(msgspec.Struct, frozen=True):
    """The people of the authority behind the call."""

    number: str

    def lead(self) -> Actor:
        """Who announces the call and answers questions."""
        return self._one("imdi-lead", "call-manager")

    def officer(self, case: int) -> Actor:
        """The case officer who has this case."""
        return self._one(f"imdi-officer-{case % CASE_OFFICERS + 1}", "case-officer")

    def colleague(self, case: int) -> Actor:
        """Another case officer than the one who has this case."""
        return self.officer(case + 1)

    def clerk(self) -> Actor:
        """Who registers accounts, and reads the reports."""
        return self._one("imdi-clerk-1", "case-officer")

    def assessor(self) -> Actor:
        """Who gives points beside the case officer."""
        return self._one("imdi-assessor-1", "assessor")

    def decider(self, case: int) -> Actor:
        """Who has the budget authority in this case."""
        return self._one(f"imdi-decider-{case % DECIDERS + 1}", "decider")

    def head(self) -> Actor:
        """Whom the first of the deciders answers to."""
        return self._one("imdi-head-1", "decider")

    def attestant(self) -> Actor:
        """Who checks payments against letters."""
        return self._one("imdi-attestant-1", "attestant")

    def payer(self) -> Actor:
        """Who sends the orders to the bank."""
        return self._one("imdi-payer-1", "payer")

    def bank(self) -> Actor:
        """The bank's return, which a machine delivers the day after."""
        return Actor("bank-return", "integration", self.number, "machine", timedelta(days=1))

    def _one(self, person: str, role: str) -> Actor:
        return Actor(person, role, self.number, "case-system")


def authority(case: int) -> str:
    """The reference of the written budget authority that the decider in this case has."""
    return f"IMDi-2023-{14 + case % DECIDERS:03d}"


def municipal(organisation: str, role: str) -> Actor:
    """Somebody at a municipality: `applicant`, `director`, `project-lead` or `superior`."""
    return Actor(f"{organisation}-{role}", role, organisation)
