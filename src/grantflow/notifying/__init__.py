"""Notices: made from the log by the rules of each call, once; sent, and told of whether they came."""

from grantflow.notifying.notifier import Notifier
from grantflow.notifying.smtp import Mailer, mailer_from

__all__ = ["Mailer", "Notifier", "mailer_from"]
