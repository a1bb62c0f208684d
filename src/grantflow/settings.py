"""What can be set, declared once: environment variables, their defaults and what they mean."""

from __future__ import annotations

import difflib
import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grantflow.domain.contact import mailbox
from grantflow.domain.errors import BadRequest, Refused
from grantflow.smtp_address import SmtpServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PREFIX = "GRANTFLOW_"
MASK = "********"

LEVELS = ("auto", "debug", "info", "warning", "error")
FORMATS = ("auto", "json", "console")


class BadSettings(Refused):
    """The environment says something that GrantFlow does not know, or can't use; each fault is a sentence."""

    code = "bad-settings"
    status = 500


@dataclass(frozen=True)
class Setting:
    """One environment variable. `read` turns its text into a value, or raises ValueError with what is wanted."""

    name: str
    field: str
    default: str
    meaning: str
    read: Callable[[str], Any]
    shown: Callable[[str], str] = str


@dataclass(frozen=True)
class Row:
    """A setting as `grantflow settings` shows it: secrets masked, `source` is `environment` or `default`."""

    name: str
    value: str
    source: str
    meaning: str


@dataclass(frozen=True)
class Settings:
    """The settings that hold in this process."""

    home: Path
    database_url: str
    """A PostgreSQL of one's own; empty means the embedded one."""
    database: str
    workflows: Path | None
    ledger_keys: Path | None
    """The file of the ledger's private keys; None means `ledger.keys` in the home folder."""
    ledger_origin: str
    issuers: Path | None
    """The file of the trusted issuers; None means the built-in one, for trying out."""
    pseudonym_key: Path | None
    """The file of the pseudonyms' secret; None means `pseudonym.key` in the home folder."""
    rate_limit: int
    """Requests a minute from one client; 0 for no limit."""
    address_rate_limit: int
    """Requests a minute from one address; 0 for no limit."""
    trusted_proxies: tuple[str, ...]
    cors_origins: tuple[str, ...]
    webhook_allow: tuple[str, ...]
    """Networks that webhooks may be sent into, beside the world: by http and to any port too."""
    smtp: SmtpServer | None
    """Where mails are handed over; None means that they wait."""
    mail_from: str
    log_level: str
    log_format: str
    given: Mapping[str, str]
    """What the environment said, by name; what is not here has its default."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from an environment. BadSettings names everything that is wrong with it, at once.

        A variable set to nothing counts as not set.
        """
        given = {name: text for name, text in environ.items() if name.startswith(PREFIX) and text.strip()}
        faults = [_unknown(name) for name in sorted(given) if name not in _BY_NAME]
        values: dict[str, Any] = {}
        for setting in SETTINGS:
            try:
                values[setting.field] = setting.read(given.get(setting.name, setting.default))
            except ValueError as error:
                faults.append(f"{setting.name} {error}.")
        if faults:
            raise BadSettings(" ".join(faults))
        return cls(**values, given=given)

    def rows(self) -> Sequence[Row]:
        """Every setting with its value, where that comes from, and what it means; no secret is shown."""
        return [
            Row(
                name=setting.name,
                value=setting.shown(self.given.get(setting.name, setting.default)),
                source="environment" if setting.name in self.given else "default",
                meaning=setting.meaning,
            )
            for setting in SETTINGS
        ]


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, list(_BY_NAME), n=1, cutoff=0.0)[0]
    return f"{name} is not a setting; the nearest is {near}."


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            msg = f"is '{text}', and must be one of {', '.join(words)}"
            raise ValueError(msg)
        return text.lower()

    return read


def _home(text: str) -> Path:
    home = Path(text).expanduser()
    if home.exists() and not home.is_dir():
        msg = f"is '{text}', which is not a folder"
        raise ValueError(msg)
    return home


def _folder(text: str) -> Path | None:
    if text and not Path(text).expanduser().is_dir():
        msg = f"is '{text}', which is not a folder"
        raise ValueError(msg)
    return Path(text).expanduser() if text else None


def _file(text: str) -> Path | None:
    if text and Path(text).expanduser().is_dir():
        msg = f"is '{text}', which is a folder and no file"
        raise ValueError(msg)
    return Path(text).expanduser() if text else None


def _origin(text: str) -> str:
    if text and re.fullmatch(r"[A-Za-z0-9._~/-]{1,200}", text) is None:
        msg = (
            f"is '{text}', and must be like a web address without its scheme, such as tilskudd.imdi.no/ledger"
        )
        raise ValueError(msg)
    return text


def _count(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,9}", text) is None:
        msg = f"is '{text}', and must be a whole number; 0 for no limit"
        raise ValueError(msg)
    return int(text)


def _networks(text: str) -> tuple[str, ...]:
    networks = tuple(text.replace(",", " ").split())
    for one in networks:
        try:
            ipaddress.ip_network(one)
        except ValueError as error:
            msg = f"names '{one}', which is no address or network such as 10.0.0.7 or 10.0.0.0/24"
            raise ValueError(msg) from error
    return networks


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(text.replace(",", " ").split())
    for one in origins:
        if re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", one) is None:
            msg = f"names '{one}', which is no origin such as https://soknad.example.no"
            raise ValueError(msg)
    return origins


def _masked_server(text: str) -> str:
    """A mail server without its password."""
    try:
        return str(SmtpServer.read(text) or "")
    except ValueError:
        return MASK


def _mailbox(text: str) -> str:
    try:
        return mailbox(text)
    except BadRequest as error:
        msg = f"is '{text}', and must be the address of a mailbox, such as tilskudd@example.no"
        raise ValueError(msg) from error


def _database(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_-]{1,63}", text) is None:
        msg = f"is '{text}', and must be 1 to 63 letters (a-z), digits, hyphens or underscores"
        raise ValueError(msg)
    return text


def _address(text: str) -> str:
    if text and _parts(text) is None:
        msg = "is not an address of a PostgreSQL database, such as postgresql://user@host/grantflow"
        raise ValueError(msg)  # without saying what it is: it may hold a password
    return text


def _masked(address: str) -> str:
    """An address with its secrets masked, wherever in it they stand."""
    if not address:
        return ""
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415 - heavy, and only needed here

    parts = _parts(address)
    if parts is None:
        return MASK
    return make_conninfo(**{key: MASK if "password" in key else value for key, value in parts.items()})


def _parts(address: str) -> dict[str, Any] | None:
    from psycopg import ProgrammingError  # noqa: PLC0415 - heavy, and only needed here
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        return dict(conninfo_to_dict(address))
    except ProgrammingError:
        return None


SETTINGS = (
    Setting(
        "GRANTFLOW_HOME",
        "home",
        ".grantflow",
        "Folder for data: the embedded PostgreSQL stands here.",
        _home,
    ),
    Setting(
        "GRANTFLOW_DATABASE_URL",
        "database_url",
        "",
        "Your own PostgreSQL, for anything but trying out; unset, one is started under GRANTFLOW_HOME. Secret.",
        _address,
        _masked,
    ),
    Setting(
        "GRANTFLOW_DATABASE",
        "database",
        "grantflow",
        "Name of the database in the embedded PostgreSQL; GRANTFLOW_DATABASE_URL names its own.",
        _database,
    ),
    Setting(
        "GRANTFLOW_WORKFLOWS",
        "workflows",
        "",
        "A further folder of calls, beside those that ship: data only, no code is read from it.",
        _folder,
    ),
    Setting(
        "GRANTFLOW_LEDGER_KEYS",
        "ledger_keys",
        "",
        "File with the ledger's private keys; unset, ledger.keys under GRANTFLOW_HOME. Keep it where no DBA reads it.",
        _file,
    ),
    Setting(
        "GRANTFLOW_LEDGER_ORIGIN",
        "ledger_origin",
        "",
        "The ledger's name in the world, such as tilskudd.imdi.no/ledger; drawn unless set before the first seal.",
        _origin,
    ),
    Setting(
        "GRANTFLOW_ISSUERS",
        "issuers",
        "",
        "TOML file of the issuers whose tokens are trusted; unset, a built-in issuer serves, for trying out.",
        _file,
    ),
    Setting(
        "GRANTFLOW_PSEUDONYM_KEY",
        "pseudonym_key",
        "",
        "File with the secret behind pseudonyms; unset, pseudonym.key under GRANTFLOW_HOME. Lost, people are new.",
        _file,
    ),
    Setting(
        "GRANTFLOW_RATE_LIMIT",
        "rate_limit",
        "6000",
        "Requests a minute that one client may make, in each process of the service; 0 for no limit.",
        _count,
    ),
    Setting(
        "GRANTFLOW_ADDRESS_RATE_LIMIT",
        "address_rate_limit",
        "30000",
        "Requests a minute from one address, before anybody is identified, in each process; 0 for no limit.",
        _count,
    ),
    Setting(
        "GRANTFLOW_TRUSTED_PROXIES",
        "trusted_proxies",
        "",
        "Addresses or networks of reverse proxies, whose X-Forwarded-For says where a request comes from.",
        _networks,
    ),
    Setting(
        "GRANTFLOW_CORS_ORIGINS",
        "cors_origins",
        "",
        "Web origins whose pages may use the service from a browser; unset, none may.",
        _origins,
    ),
    Setting(
        "GRANTFLOW_SMTP_URL",
        "smtp",
        "",
        "Mail server: smtp://user:password@host:587 (STARTTLS) or smtps://…; unset, mails wait. Secret.",
        SmtpServer.read,
        _masked_server,
    ),
    Setting(
        "GRANTFLOW_MAIL_FROM",
        "mail_from",
        "noreply@grantflow.invalid",
        "The address that mails to applicants come from; whatever comes back is read there.",
        _mailbox,
    ),
    Setting(
        "GRANTFLOW_WEBHOOK_ALLOW",
        "webhook_allow",
        "",
        "Networks that webhooks may be sent into beside the world, by http and to any port too; unset, https only.",
        _networks,
    ),
    Setting(
        "GRANTFLOW_LOG_LEVEL",
        "log_level",
        "auto",
        "debug, info, warning or error; auto is info for what keeps running, warning for single commands.",
        _one_of(*LEVELS),
    ),
    Setting(
        "GRANTFLOW_LOG_FORMAT",
        "log_format",
        "auto",
        "json or console; auto is console on a terminal, json elsewhere. Logs go to standard error.",
        _one_of(*FORMATS),
    ),
)
"""Every setting there is."""

_BY_NAME = {setting.name: setting for setting in SETTINGS}
