"""Django with django-fsm-2 and django-simple-history: a row lock, a state field, and a row of history a transition."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import django
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from benchmarks.driving import CONTENT, TRANSITIONS, asked, by_threads, tell

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> None:
    """Measure, and answer."""
    given = asked(__doc__).parse_args()
    where = conninfo_to_dict(given.address)
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": where["dbname"],
                "HOST": where["host"],
                "PORT": where.get("port", ""),
                "USER": where.get("user", "postgres"),
                "PASSWORD": where.get("password", ""),
                "CONN_MAX_AGE": None,  # a connection a thread, kept
            }
        },
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "simple_history",
            "benchmarks.peers.django_cases",
        ],
        MIGRATION_MODULES={"auth": None, "contenttypes": None},  # their tables are made as they are now
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()

    from django.core.management import call_command  # noqa: PLC0415 - after the settings
    from django.db import connection, transaction  # noqa: PLC0415

    from benchmarks.peers.django_cases.models import Case  # noqa: PLC0415

    call_command("migrate", run_syncdb=True, verbosity=0)

    def client() -> Iterator[None]:
        connection.ensure_connection()
        while True:
            case_id = uuid4()
            with transaction.atomic():
                Case.objects.create(id=case_id, content=CONTENT)
            yield
            for name, _, _ in TRANSITIONS[1:]:
                with transaction.atomic():
                    case = Case.objects.select_for_update().get(pk=case_id)
                    getattr(case, name)(CONTENT)
                    case.save()
                yield

    tell(by_threads([client] * given.clients, given.seconds, given.warm))


if __name__ == "__main__":
    main()
