"""The recipes of docs/api.md, run as they stand there, in one shell, against the service as it runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import fresh_database, ledger_keys
from story_service import StoryService

from grantflow.app import App
from grantflow.store import Store
from grantflow.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).parent.parent
PAGE = (CHECKOUT / "docs" / "api.md").read_text(encoding="utf-8")
RECIPE = re.compile(r"^## (?P<title>[^\n]*)\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TODAY = datetime(2027, 2, 1, 9, tzinfo=UTC)
"""A day on which the call that the page applies under is open."""

pytestmark = pytest.mark.skipif(
    shutil.which("curl") is None, reason="there is no curl here: the recipes of docs/api.md are LEFT OUT"
)


def recipes() -> list[tuple[str, str]]:
    """Each heading that has something to run, and all that is to be run under it, in order."""
    found = [(one["title"], "\n".join(BLOCK.findall(one["text"]))) for one in RECIPE.finditer(PAGE)]
    return [(title, commands) for title, commands in found if commands]


@pytest.fixture(scope="module")
def answers(
    server: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[int, str]]]:
    """What each recipe printed, and how it ended, by its title."""
    home = tmp_path_factory.mktemp("api")
    with fresh_database(server, template) as address, StoryService(address, home) as service:
        service.clock.set(TODAY)
        with Store(address) as store, duties(store, service):
            yield _run(service, home)


class duties:  # noqa: N801 - used as `with duties(...)`
    """The duties, kept in this process on the clock that the service has, as long as the page is followed."""

    def __init__(self, store: Store, service: StoryService) -> None:
        self._app = App.on(store, ledger_keys())
        worker = Worker(self._app.store, self._app.chores(), service.clock.now)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=worker.run, args=(self._stop,))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._app.accesses.close()


def _run(service: StoryService, home: Path) -> dict[str, tuple[int, str]]:
    """Follow the page in one shell. What starts the service is left out: it runs, on a port of its own."""
    found: dict[str, tuple[int, str]] = {}
    (home / "docs").symlink_to(CHECKOUT / "docs")
    script = ["set -u", f"cd {home}"]
    for number, (title, commands) in enumerate(recipes()):
        ours = commands.replace("grantflow serve &\n", "").replace("http://127.0.0.1:8000", service.address())
        out, end = home / f"{number}.out", home / f"{number}.end"
        script += [f"{{ set -e\n{ours}\nset +e; }} > {out} 2>&1; echo $? > {end}"]
        found[title] = (1, "")
    environment = {
        **os.environ,
        "GRANTFLOW_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    subprocess.run(
        [shutil.which("bash") or "bash", "-c", "\n".join(script)],
        env=environment, check=False, timeout=120, capture_output=True,
    )  # fmt: skip
    for number, title in enumerate(found):
        end = home / f"{number}.end"
        text = (home / f"{number}.out").read_text() if (home / f"{number}.out").exists() else "(not reached)"
        found[title] = (int(end.read_text()) if end.exists() else 1, text)
    return found


SAID = {
    "Begin": (),
    "1. Publish a call": ('"state":"published"', '"position":2'),
    "2. See which calls there are": ('"id":"sprakkafe-2027"', '"revisions"', '"at-most-200000"'),
    "3. Begin an application": ('"state":"draft"', '"digest":"'),
    "4. See what you may do now": ('"step":"edit"', '"open":true', '"schema":'),
    "5. Take a step, safely more than once": ('"version":2',),
    "6. Attach a document as it is": ('"version":3',),
    "7. Act only on what you have read": ('"state":"approved-by-director"', '"state":"submitted"'),
    "8. Read refusals": ('"code":"step-not-allowed"', "Steget er ikkje mogleg no", '"status":409'),
    "9. Find cases, and see one as it stood": (
        '"number":"sprakkafe-2027-0001"',
        '"asked":"150000.00"',
        "Submitted «Språkkafé på Grünerløkka»",
        '"path":"state"',
    ),
    "10. Follow what happens": (
        '"specversion":"1.0"',
        "grantflow.application-submitted.v1",
        "event: grantflow.",
    ),
    "11. Audit": ('"name":"four-eyes"', "0301-director", '"what":"history"'),
    "12. Exchange a receipt for a proof": ('"leaf":"', '"proof":[', "— "),
}
"""What each recipe's answer must hold."""


def test_every_recipe_of_the_page_is_looked_at() -> None:
    assert [title for title, _ in recipes()] == list(SAID)


@pytest.mark.parametrize("title", SAID)
def test_a_recipe_answers_as_the_page_says(title: str, answers: dict[str, tuple[int, str]]) -> None:
    ended, text = answers[title]
    assert ended == 0, text
    for words in SAID[title]:
        assert words in text, text


def test_a_step_that_is_asked_for_twice_is_taken_once(answers: dict[str, tuple[int, str]]) -> None:
    first, second = re.findall(r"\{.*?\}", answers["5. Take a step, safely more than once"][1])
    assert first == second
