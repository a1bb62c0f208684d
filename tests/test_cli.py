"""The command line as people and scripts meet it: the real process, a database of its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from steps import CALL_FOLDER

from grantflow import embedded
from grantflow.domain.drafting import ApplicationStarted
from grantflow.domain.event import Entry
from grantflow.domain.money import kr
from grantflow.states import States
from grantflow.store import Append, Store

CALL = "imdi-2023-tillegg"
AREAS = CALL_FOLDER.parent / "eksempel-2025-omrader"
COMMAND = [str(Path(sys.executable).parent / "grantflow")]


def run(url: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """One command in its own process."""
    environment = {**os.environ, "GRANTFLOW_DATABASE_URL": url}
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.usefixtures("stage")
def test_the_demo_is_kept_found_told_and_refuses_hostile_input(database_url: str) -> None:
    demo = run(database_url, "demo", "--applications", "12", "--keep", "--json")
    assert demo.returncode == 0, demo.stderr
    summary = json.loads(demo.stdout)
    kept = summary["database"]
    try:
        listed = json.loads(run(kept, "case", "list", "--json").stdout)["items"]
        assert len(listed) == summary["applications"] == 12
        history = json.loads(run(kept, "case", "history", "imdi-2023-tillegg-0001", "--json").stdout)
        assert history["items"][0]["topic"] == ApplicationStarted.topic
        then = run(kept, "case", "show", listed[0]["id"], "--at", "2023-08-13T00:00:00+02:00", "--json")
        assert json.loads(then.stdout)["state"] == "draft"
        assert run(kept, "case", "show", listed[0]["id"], "--at", "2023-08-01").returncode == 1
        who = ("--as", "x-adviser", "--org", listed[0]["applicant"], "--role", "applicant")
        twice = '{"section": "project", "section": "budget", "content": {}}'
        hostile = run(kept, "case", "do", listed[0]["id"], "edit", *who, "--data", "-", "--json", stdin=twice)
        assert hostile.returncode == 1
        assert json.loads(hostile.stdout)["code"] == "bad-request"
        assert run(kept, "projections", "check").returncode == 0
    finally:
        embedded.drop(database_url, "grantflow_demo")


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize("begun", ["database_url", "server"])
def test_one_demo_at_a_time_is_played_on_a_server_and_the_other_is_told_so(
    database_url: str, begun: str, request: pytest.FixtureRequest
) -> None:
    short = ("demo", "--applications", "12", "--until", "2023-08-12", "--json")
    with embedded.alone(request.getfixturevalue(begun), "grantflow_demo") as first:
        assert first
        kept = embedded.database(database_url, "grantflow_demo")
        with psycopg.connect(kept):
            refused = run(database_url, *short)
            assert refused.returncode == 1
            assert json.loads(refused.stdout)["code"] == "demo-is-played"
            assert "Wait until it has ended" in json.loads(refused.stdout)["detail"]
        psycopg.connect(kept).close()
    assert run(database_url, *short).returncode == 0


def test_nobody_begins_an_application_for_whom_the_register_knows_no_municipality_today(
    database_url: str,
) -> None:
    """Viken was a county authority until 2024, and never a municipality."""
    run(database_url, "call", "publish", str(CALL_FOLDER), "--as", "imdi-lead", "--org", "987879696")
    viken = run(
        database_url, "case", "start", "imdi-2023-tillegg", "--as", "30-adviser", "--org", "921693230"
    )
    assert viken.returncode == 1
    assert "applicant-is-a-municipality" in viken.stderr
    assert "0 steps taken" in run(database_url, "work", "--once").stdout


def begun(url: str) -> str:
    """A case that Oslo has begun under the published call."""
    run(url, "call", "publish", str(CALL_FOLDER), "--as", "imdi-lead", "--org", "987879696")
    answer = run(url, "case", "start", CALL, "--as", "0301-adviser", "--org", "958935420", "--json")
    return str(json.loads(answer.stdout)["case"])


def test_what_happened_earlier_is_recorded_with_both_instants(database_url: str, tmp_path: Path) -> None:
    case = begun(database_url)
    said = tmp_path / "partners.json"
    said.write_text('{"section": "partners", "content": {"organisations": []}}')
    who = ("--as", "0301-adviser", "--role", "applicant", "--org", "958935420", "--data", str(said))
    for instant, says in (
        ("2999-01-01", "nothing is recorded before it happens"),
        ("yesterday", "is not an instant"),
        ("0001-01-01", "no calendar goes that far"),
    ):
        refused = run(database_url, "case", "do", case, "edit", *who, "--happened-at", instant)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert says in refused.stderr
    taken = run(database_url, "case", "do", case, "edit", *who, "--happened-at", "2023-08-14T12:00")
    assert taken.returncode == 0, taken.stderr
    history = json.loads(run(database_url, "case", "history", case, "--json").stdout)["items"]
    assert [row["effective_at"] for row in history] == [None, "2023-08-14T10:00:00Z"]
    assert history[1]["recorded_at"] > history[0]["recorded_at"] > "2023-08-14T10:00:00Z"


def test_a_worker_stops_when_told(database_url: str) -> None:
    environment = {**os.environ, "GRANTFLOW_DATABASE_URL": database_url}
    with subprocess.Popen([*COMMAND, "work"], env=environment, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stderr is not None
        assert any("swept" in line for line in worker.stderr)
        time.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=20) == 0
        worker.stderr.read()


def test_a_sound_definition_passes_the_check_and_a_broken_one_exits_3(
    database_url: str, tmp_path: Path
) -> None:
    assert run(database_url, "call", "check", str(CALL_FOLDER)).returncode == 0
    empty = run(database_url, "call", "check", str(tmp_path), "--json")
    assert empty.returncode == 3
    assert [Path(item["file"]).name for item in json.loads(empty.stdout)["items"]] == ["call.toml"]
    (tmp_path / "call.toml").write_text((CALL_FOLDER / "call.toml").read_text())
    alone = run(database_url, "call", "check", str(tmp_path), "--json")
    assert alone.returncode == 3
    assert len(json.loads(alone.stdout)["items"]) == 3, "the two forms and the letters"


def test_what_is_wrongly_asked_is_refused_in_one_sentence_that_says_what_there_is(
    database_url: str, tmp_path: Path
) -> None:
    who = ("--as", "x", "--org", "958935420")
    nowhere = "postgresql://127.0.0.1:1/none"
    case = begun(database_url)
    run(database_url, "call", "publish", str(AREAS), "--as", "imdi-lead", "--org", "987879696")
    for url, arguments, says in (
        (database_url, ("case", "do", case, "submitt", *who, "--role", "applicant"), "Did you mean submit?"),
        (database_url, ("case", "do", "x", "submit", *who, "--role", "aplicant"), "Did you mean applicant?"),
        (database_url, ("case", "start", "x", "--as", "x", "--org", "12"), "is not an organisation number"),
        (database_url, ("case", "show", "nope-0001"), "grantflow case list"),
        (database_url, ("call", "revise", str(CALL_FOLDER)), "missing: --grounds, --as, --org"),
        (database_url, ("call", "revise", str(CALL_FOLDER), *who), "missing: --grounds."),
        (database_url, ("case", "start", AREAS.name, *who), "--area kvalifisering or --area videregaende"),
        (database_url, ("case", "start", AREAS.name, *who, "--area", "x"), "Its areas: kvalifisering"),
        (
            database_url,
            ("call", "draw", str(CALL_FOLDER), "--output", str(tmp_path / "no" / "x")),
            "can't be written",
        ),
        (nowhere, ("case", "list"), "The database does not answer"),
    ):
        answer = run(url, *arguments)
        assert (answer.returncode, answer.stdout) == (1, "")
        assert says in answer.stderr
        assert "Traceback" not in answer.stderr


def test_a_field_that_can_be_one_of_few_words_is_refused_with_those_words(database_url: str) -> None:
    case = begun(database_url)
    who = ("--as", "0301-director", "--role", "director", "--org", "958935420", "--data", "-")
    answer = run(database_url, "case", "do", case, "approve", *who, stdin='{"capacity": "county-director"}')
    assert answer.returncode == 1
    assert "`$.capacity`; it can be delegate, district-director, municipal-director." in answer.stderr
    other = run(database_url, "case", "do", case, "approve", *who, stdin='{"capacity": 3}')
    assert other.stderr.strip().endswith("Expected `str`, got `int` - at `$.capacity`")


def test_a_case_shows_the_digest_that_an_approval_can_name(database_url: str) -> None:
    case = begun(database_url)
    shown = json.loads(run(database_url, "case", "show", case, "--json").stdout)["content_digest"]
    assert f"content digest        {shown}" in run(database_url, "case", "show", case).stdout


def test_a_dry_run_tells_what_would_be_refused_and_names_cases_only_where_something_changes(
    database_url: str, tmp_path: Path
) -> None:
    case, folder = begun(database_url), tmp_path / "call"
    shutil.copytree(CALL_FOLDER, folder)
    file, text = folder / "call.toml", (CALL_FOLDER / "call.toml").read_text("utf-8")
    file.write_text(f"# Again.\n{text}", "utf-8")
    same = run(database_url, "call", "revise", str(folder), "--dry-run")
    assert same.stdout == "Nothing changes.\n"
    with Store(database_url) as store:
        states = States(store)
        frame = states.frame(CALL)
        stamp = store.load(UUID(case))[0].event.stamp
        entry = Entry(frame.id, frame.version + 1, frame.commit(UUID(case), 10_000_000, stamp))
        store.append(Append("committed", b"", (entry,))).result()
    file.write_text(re.sub(r'(?m)^frame = ".*"$', 'frame = "99999.99"', text, count=1), "utf-8")
    less = run(database_url, "call", "revise", str(folder), "--dry-run")
    assert less.returncode == 0
    assert f"{CALL}-0001" in less.stdout
    assert f"It would be refused (frame-exceeded): {kr(10_000_000)} would exceed" in less.stdout
    told = json.loads(run(database_url, "call", "revise", str(folder), "--dry-run", "--json").stdout)
    assert told["refused"]["code"] == "frame-exceeded"
    who = ("--grounds", "Kutt.", "--as", "imdi-lead", "--org", "987879696")
    done = run(database_url, "call", "revise", str(folder), *who)
    assert done.returncode == 1
    assert "frame-exceeded" in done.stderr


def test_a_call_is_named_where_it_comes_along_or_stands_in_the_folder_of_further_calls(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(CALL_FOLDER, tmp_path / "more" / "ours")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRANTFLOW_WORKFLOWS", str(tmp_path / "more"))
    for name, folder in ((AREAS.name, AREAS), ("ours", tmp_path / "more" / "ours")):
        checked = run(database_url, "call", "check", name)
        assert checked.stdout == f"{folder}: no findings\n"
        assert checked.stderr == f"{name} is {folder}\n"
    published = run(database_url, "call", "publish", "ours", "--as", "imdi-lead", "--org", "987879696")
    assert published.returncode == 0, published.stderr
    nowhere = run(database_url, "call", "publish", "theirs", "--as", "imdi-lead", "--org", "987879696")
    assert nowhere.returncode == 1
    assert "no folder 'theirs' here" in nowhere.stderr
    assert f"{AREAS.name}, {CALL}, ours." in nowhere.stderr
    assert run(database_url, "call", "check", "a" * 300).returncode == 1
    monkeypatch.setenv("GRANTFLOW_WORKFLOWS", str(tmp_path / "nowhere"))
    assert run(database_url, "call", "check", str(AREAS)).returncode == 0, "a path needs no settings"
    assert "GRANTFLOW_WORKFLOWS" in run(database_url, "call", "check", AREAS.name).stderr


def test_a_call_with_findings_is_neither_published_nor_revised(database_url: str, tmp_path: Path) -> None:
    who = ("--as", "imdi-lead", "--org", "987879696")
    broken = tmp_path / "call"
    shutil.copytree(CALL_FOLDER, broken)
    text = (broken / "call.toml").read_text("utf-8").replace("weight = 35", "weight = 30")
    (broken / "call.toml").write_text(text, "utf-8")
    run(database_url, "call", "publish", str(CALL_FOLDER), *who)
    for command in (("publish",), ("revise", "--grounds", "Ny vekt.")):
        answer = run(database_url, "call", *command, str(broken), *who)
        assert answer.returncode == 1
        assert "call.toml:" in answer.stderr
        assert "call check" in answer.stderr
