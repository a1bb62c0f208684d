"""What a call says of notices: whom it tells of what, when, and in which words. As written in notices.toml."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Literal

import msgspec

from grantflow.domain.occasions import ALWAYS, EVENTS, TIMED
from grantflow.domain.roles import DIRECTORATE, MACHINES, MUNICIPAL
from grantflow.domain.wording import wording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grantflow.domain.wording import Wording

NOTICES = "notices.toml"
Channel = Literal["portal", "email"]
Language = Literal["nb", "nn"]
LANGUAGES: tuple[Language, ...] = ("nb", "nn")
RECIPIENTS = MUNICIPAL | (DIRECTORATE - MACHINES)
"""Who can be told: somebody in a role of the applicant's, or in one of the directorate's."""


class NoticeRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A notice that the call sends: on an event, or so many days before or after a deadline, to whom, how."""

    id: str
    to: tuple[str, ...]
    channels: tuple[Channel, ...]
    subject: dict[str, str]
    on: str = ""
    deadline: str = ""
    days_before: int | None = None
    days_after: int | None = None
    text: str = ""
    digest: Literal["daily"] | None = None
    within_days: int = 30

    def file(self, language: str) -> str:
        """The file that its text stands in."""
        return f"notices/{self.text or self.id}.{language}.txt"


class NoticesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """notices.toml, as it is written."""

    notices: tuple[NoticeRule, ...]


class Notices:
    """The notices of a call with their words, ready for use. ValueError when they can't be used."""

    def __init__(self, files: Mapping[str, str]) -> None:
        declared = msgspec.convert(tomllib.loads(files[NOTICES]), NoticesFile).notices
        self.rules = {rule.id: rule for rule in declared}
        self._words: dict[tuple[str, str], tuple[Wording, Wording]] = {}
        for rule in declared:
            self._words |= {(rule.id, one): _words(rule, one, files) for one in LANGUAGES}
            if len(self.rules) < len(declared) or set(rule.to) - RECIPIENTS or not _sent(rule):
                msg = f"the notice '{rule.id}' stands twice, goes to nobody that there is, or is never sent"
                raise ValueError(msg)

    def words(self, rule: NoticeRule, language: Language, said: Mapping[str, str]) -> tuple[str, str]:
        """The subject and the text of a notice."""
        subject, text = self._words[rule.id, language]
        return subject.subject(said), text.text(said)


def notice_files(text: str) -> tuple[str, ...]:
    """The files that a notices.toml names, each once. ValueError when it can't be read."""
    declared = msgspec.convert(tomllib.loads(text), NoticesFile).notices
    return tuple(dict.fromkeys(rule.file(language) for rule in declared for language in LANGUAGES))


def _words(rule: NoticeRule, language: Language, files: Mapping[str, str]) -> tuple[Wording, Wording]:
    """The words of a notice, which name nothing that is not filled in: what can be read can be sent."""
    try:
        words = wording(rule.subject[language]), wording(files[rule.file(language)])
    except KeyError as error:
        msg = f"the notice '{rule.id}' has no subject or no text in {language}: {error}"
        raise ValueError(msg) from error
    known = {*ALWAYS, *(EVENTS.get(rule.on, ((), TIMED))[1])}
    unknown = {*words[0].names, *words[1].names} - known
    if unknown:
        msg = f"nothing is filled in for {', '.join(sorted(unknown))} in the notice '{rule.id}'"
        raise ValueError(msg)
    return words


def _sent(rule: NoticeRule) -> bool:
    """Whether it says when it is sent: on an event that there is, or so many days from a deadline, and not both."""
    days = [one for one in (rule.days_before, rule.days_after) if one is not None]
    return (rule.on in EVENTS and not days) if rule.on else bool(rule.deadline) and len(days) == 1
