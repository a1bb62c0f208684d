"""Looks a call's folder through before anybody relies on it: every finding at once, each with file, line and column."""

from __future__ import annotations

import tomllib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from grantflow.definitions import definition_files, process_path, text_of
from grantflow.domain.call import CALL, LETTERS, PROCESS, Call, DefinitionError, step_form
from grantflow.domain.call_file import REPORT_FORM, CallFile, LettersFile
from grantflow.domain.notice_rules import NOTICES, NoticesFile
from grantflow.domain.process import Process, ProcessFile
from grantflow.inspection.call_file import check_call
from grantflow.inspection.conditions import check_conditions, stage_forms
from grantflow.inspection.finding import Finding, nearest
from grantflow.inspection.forms import check_form, check_report, check_sections
from grantflow.inspection.lacking_steps import check_lacking
from grantflow.inspection.letters import check_letters
from grantflow.inspection.notices import check_notices
from grantflow.inspection.outline import Outline
from grantflow.inspection.process_file import check_process, walkable
from grantflow.inspection.shape import check_shape
from grantflow.inspection.source import Source
from grantflow.inspection.tables import names, text
from grantflow.inspection.walks import check_walks
from grantflow.rooms import room

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grantflow.domain.schema import Schema
    from grantflow.inspection.source import Where

__all__ = ["Finding", "inspect"]


def inspect(folder: Path) -> list[Finding]:
    """Everything that is wrong with the call in a folder, and with the process it names; empty when nothing is."""
    files = _Files(folder)
    call = files.read(folder / CALL)
    if call is None or not isinstance(call.value, dict):
        return files.findings
    process = _process(files, call)
    check_shape(call, CallFile)
    places = _check_process(process, call) if process else None
    stages = {
        stage: _form(files, call, where, name, check_sections)
        for stage, (where, name) in stage_forms(call).items()
    }
    report: Schema = {}
    if process is not None:
        report = _beside(files, call, process)
    check_call(call, process)
    if (folder / NOTICES).is_file():
        _notices(files, call, process)
    check_conditions(call, stages, report, places)
    return files.findings or _unforeseen(folder)


class _Files:
    """The files of one call that have been read: each once, whatever names it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sources: dict[Path, Source | None] = {}
        self._found: list[Finding] = []

    def read(self, path: Path) -> Source | None:
        """A file with the places in it; None, and a finding, where it can't be read."""
        if path not in self._sources:
            self._sources[path] = None
            try:
                self._sources[path] = Source(path, text_of(path))
            except DefinitionError as error:
                self._found.append(Finding(str(path), 1, 1, error.detail))
        return self._sources[path]

    def named(self, by: Source, where: Where, name: str) -> Source | None:
        """A file of the call's folder; what names it is told when it is missing, or elsewhere."""
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            by.add(where, f"'{name}' stands outside the call's folder")
        elif not (self.folder / name).is_file():
            by.add(where, f"there is no file '{name}' in the call's folder")
        else:
            return self.read(self.folder / name)
        return None

    @property
    def findings(self) -> list[Finding]:
        """All that was found in all files, in the order of the lines."""
        found = set(self._found)
        for source in self._sources.values():
            found |= set(source.findings if source else ())
        return sorted(found)


def _process(files: _Files, call: Source) -> Outline | None:
    path = process_path(files.folder, call.text)
    if not path.is_file():
        shared = [one.stem for one in room("workflows").glob("processes/*.toml")]
        named = call.value.get("process")
        call.add(
            ("process",), f"there is no process '{named}' beside the call or shared{nearest(named, shared)}"
        )
        return None
    source = files.read(path)
    if source is None or not isinstance(source.value, dict):
        return None
    named, own = call.value.get("process"), source.value.get("id")
    if isinstance(named, str) and isinstance(own, str) and named != own:
        call.add(("process",), f"the call names the process '{named}', and the folder's {PROCESS} is '{own}'")
    return Outline(source)


def _check_process(process: Outline, call: Source) -> dict[str, set[str]] | None:
    """Check the process by itself, then every path of it; gives the stages at which each step can be taken."""
    check_shape(process.source, ProcessFile)
    check_process(process)
    if check_lacking(process) or not walkable(process):
        return None
    declared = Process(msgspec.convert(tomllib.loads(process.source.text), ProcessFile))
    places = check_walks(process, declared, names(call.tables("areas")))
    first = next(iter(stage_forms(call)))
    return {step: {stage or first for stage in stages} for step, stages in places.items()}


def _beside(files: _Files, call: Source, process: Outline) -> Schema:
    """Check what the process asks for beside the stages' forms: letters, declared steps' forms, and the report's."""
    if "issue-letter" in process.steps:
        letters = files.named(call, ("letter",), LETTERS)
        if letters is not None and isinstance(letters.value, dict):
            check_shape(letters, LettersFile)
            check_letters(letters, call.value, process)
    for step, table in process.steps.items():
        if text(table, "form"):
            where = (*process.places[step], "form")
            _form(files, process.source, where, step_form(text(table, "form")))
    if "submit-report" not in process.steps:
        return {}
    return _form(files, call, ("reporting",), REPORT_FORM, check_report)


def _notices(files: _Files, call: Source, process: Outline | None) -> None:
    """Check the notices, and every text that they name."""
    notices = files.read(files.folder / NOTICES)
    if notices is not None and isinstance(notices.value, dict):
        check_shape(notices, NoticesFile)
        check_notices(notices, call, process, lambda where, name: files.named(notices, where, name))


def _form(
    files: _Files,
    by: Source,
    where: Where,
    name: str,
    further: Callable[[Source, Schema], None] = lambda _form, _schema: None,
) -> Schema:
    form = files.named(by, where, name)
    schema = check_form(form) if form is not None else {}
    if form is not None:
        further(form, schema)
    return schema


def _unforeseen(folder: Path) -> list[Finding]:
    """What no check here names, and the engine refuses all the same."""
    try:
        Call.read(definition_files(folder))
    except DefinitionError as error:
        return [Finding(str(folder / CALL), 1, 1, error.detail)]
    return []
