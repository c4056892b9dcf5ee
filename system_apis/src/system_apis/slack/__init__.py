"""Notifications in Slack by its Web API, each once: Slack takes no idempotency key, so what was said is looked up."""

from shared.host.api import Api
from system_apis.slack.service import SlackNotifications

__all__ = ["SlackNotifications", "api"]

api = Api(service=SlackNotifications, vendor="slack", optional=True)
