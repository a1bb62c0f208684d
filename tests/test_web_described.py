"""The service is as it describes itself: generated calls, valid and broken, one by one and in chains.

`make test` spends some seconds of them; GRANTFLOW_LONG_TESTS=1 makes more than 20 000.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from served import Served, published

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
LONG = bool(os.environ.get("GRANTFLOW_LONG_TESTS"))
SECONDS = 400 if LONG else 12
DIRECTORATE = ("case-officer", "assessor", "decider", "attestant", "payer", "call-manager")
WHO = {
    "municipality": ("958935420", "applicant", "director", "project-lead", "superior"),
    "directorate": ("987879696", *DIRECTORATE),
    "auditor": ("974760843", "auditor"),
}


@pytest.fixture(scope="module")
def served(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The service with the 2023 call, and its duties."""
    home = tmp_path_factory.mktemp("described")
    with (
        published(module_database_url),
        Served(home, module_database_url, "--duties", GRANTFLOW_LOG_LEVEL="warning") as service,
    ):
        yield service


@pytest.mark.timeout(900 if LONG else 120)
@pytest.mark.parametrize(
    ("who", "phases"),
    [
        ("municipality", "stateful"),
        ("directorate", "coverage,fuzzing"),
        ("auditor", "examples,coverage,fuzzing"),
    ],
)
def test_no_generated_call_is_answered_otherwise_than_described(
    who: str, phases: str, served: Served, tmp_path: Path
) -> None:
    organisation, *roles = WHO[who]
    token = served.token(f"generated-{who}", *roles, organisation=organisation)
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "--config-file",
        str(HERE / "schemathesis.toml"),
        "run",
        f"http://127.0.0.1:{served.port}/openapi.json",
        *("--header", f"Authorization: Bearer {token}"),
        *("--phases", phases),
        *("--checks", "all"),
        *("--max-examples", "200" if LONG else "5"),
        *("--max-time", str(SECONDS)),
        *("--workers", "1"),  # Python 3.11 can't parse in two threads at once (python issue 106905)
        *(() if LONG else ("--seed", "2023")),
    ]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-2_000:]
    passed = re.search(r"(\d+) generated, (\d+) passed", ran.stdout)
    assert passed is not None, ran.stdout
    assert passed[1] == passed[2]
    assert int(passed[1]) > (5_000 if LONG else 50)


def test_it_described_no_fault_of_its_own(served: Served) -> None:
    assert served.logged("fault") == []
