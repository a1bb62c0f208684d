"""A grant case as Django, django-fsm-2 and django-simple-history have it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django_fsm import FSMField, transition
from simple_history.models import HistoricalRecords


class Case(models.Model):
    """A row, and a row of history for each time it was saved."""

    id = models.UUIDField(primary_key=True)
    state = FSMField(default="draft", protected=True)
    content = models.JSONField()
    changed_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    class Meta:
        """Nothing but what Django must be told here."""

        app_label = "django_cases"

    def __str__(self) -> str:
        return f"{self.id} ({self.state})"

    @transition(field=state, source="draft", target="approved-by-director")
    def approve(self, content: dict[str, Any]) -> None:
        """The director approves."""
        self.content = content

    @transition(field=state, source="approved-by-director", target="submitted")
    def submit(self, content: dict[str, Any]) -> None:
        """The municipality applies."""
        self.content = content

    @transition(field=state, source="submitted", target="assessed")
    def assess(self, content: dict[str, Any]) -> None:
        """The directorate assesses."""
        self.content = content

    @transition(field=state, source="assessed", target="granted")
    def grant(self, content: dict[str, Any]) -> None:
        """The directorate decides."""
        self.content = content

    @transition(field=state, source="granted", target="paid")
    def pay(self, content: dict[str, Any]) -> None:
        """The money is sent."""
        self.content = content

    @transition(field=state, source="paid", target="reported")
    def report(self, content: dict[str, Any]) -> None:
        """The municipality tells what came of it."""
        self.content = content
