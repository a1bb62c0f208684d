"""Webhooks: what happens is sent, signed and in order, to those who have asked for it and may see it."""

from grantflow.webhooks.deliverer import Deliverer
from grantflow.webhooks.subscriber import Subscriber
from grantflow.webhooks.subscriptions import Asked, Subscriptions
from grantflow.webhooks.target import TargetRefused, Targets

__all__ = ["Asked", "Deliverer", "Subscriber", "Subscriptions", "TargetRefused", "Targets"]
