"""Looks a call's folder through before anybody relies on it: every finding at once, each with file, line and column."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import msgspec

from grantflow.definitions import definition_files, process_path, text_of
from grantflow.domain.call import APPLICATION_FORM, CALL, REPORT_FORM, Call, CallFile, DefinitionError
from grantflow.domain.process import Process, ProcessFile
from grantflow.inspection.call_file import check_call, names
from grantflow.inspection.conditions import check_conditions
from grantflow.inspection.finding import Finding, nearest
from grantflow.inspection.forms import check_form
from grantflow.inspection.process_file import check_process
from grantflow.inspection.safety import check_safety
from grantflow.inspection.shape import check_shape
from grantflow.inspection.source import Source
from grantflow.rooms import room

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Finding", "inspect"]


def inspect(folder: Path) -> list[Finding]:
    """Everything that is wrong with the call in a folder, and with the process it names; empty when nothing is."""
    found: list[Finding] = []
    call = _source(folder / CALL, found)
    application, report = _source(folder / APPLICATION_FORM, found), _source(folder / REPORT_FORM, found)
    process = _process(folder, call, found) if call else None
    forms = [check_form(form) if form else {} for form in (application, report)]
    steps = []
    if process is not None and process.value is not None:
        steps = names(process.tables("steps"))
        check_shape(process, ProcessFile)
        check_process(process)
        if not process.findings:
            check_safety(process, Process(msgspec.convert(tomllib.loads(process.text), ProcessFile)))
    if call is not None and call.value is not None:
        check_shape(call, CallFile)
        check_call(call, steps if process else None)
        check_conditions(call, *forms)
    for source in (call, application, report, process):
        found += source.findings if source else ()
    return sorted(set(found)) or _unforeseen(folder)


def _process(folder: Path, call: Source, found: list[Finding]) -> Source | None:
    path = process_path(folder, call.text)
    if not path.is_file() and isinstance(call.value, dict):
        shared = [one.stem for one in room("workflows").glob("processes/*.toml")]
        named = call.value.get("process")
        call.add(
            ("process",), f"there is no process '{named}' beside the call or shared{nearest(named, shared)}"
        )
        return None
    return _source(path, found)


def _source(path: Path, found: list[Finding]) -> Source | None:
    try:
        return Source(path, text_of(path))
    except DefinitionError as error:
        found.append(Finding(str(path), 1, 1, error.detail))
        return None


def _unforeseen(folder: Path) -> list[Finding]:
    """What no check here names, and the engine refuses all the same."""
    try:
        Call.read(definition_files(folder))
    except DefinitionError as error:
        return [Finding(str(folder / CALL), 1, 1, error.detail)]
    return []
