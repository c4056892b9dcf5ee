"""`[backends.slack]` of a topology."""

from shared.resilience.outbound import BackendSettings
from shared.security.secrets import Secret


class SlackSettings(BackendSettings, frozen=True, kw_only=True):
    """`[backends.slack]` of a topology; what every backend has, and:

    Attributes:
        url: `https://slack.com`.
        token: Reference to the app's bot token, with the scopes `chat:write` and `channels:history` (for private
            channels `groups:history`). Invite the app to each channel.
        channels: Channel ids by the names that callers use; they reach no others.
        look_back_hours: How old a message may be and still be found by its reference.
        look_back_messages: Of how many of a channel's newest messages at most; 200 cost one request.
        settle_seconds: How long Slack may work on a message after we stopped waiting for it; until then a repeat
            only looks for it.
    """  # noqa: D415 - a heading that the list completes

    token: Secret
    channels: dict[str, str]
    look_back_hours: float = 24.0
    look_back_messages: int = 2000
    settle_seconds: float = 30.0
