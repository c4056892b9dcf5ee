"""Where Marketo is, and who we are there."""

from shared.resilience.outbound import BackendSettings
from shared.security.secrets import Secret


class MarketoSettings(BackendSettings, frozen=True, kw_only=True):
    """`[backends.marketo]` of a topology; what every backend has, and:

    Attributes:
        url: `https://123-ABC-456.mktorest.com`, the host of Admin → Integration → Web Services.
        client_id: Of the custom service (Admin → Integration → LaunchPoint). Its API-only user needs Read-Write
            Person, Read-Write Activity and Read-Only Activity.
        client_secret: Reference to the service's secret.
        activity_type: Number of the approved custom activity type that engagements are, made once by an administrator
            with our reference as its primary attribute.
        text_attribute: API name of that type's attribute that holds the text.
        company_field: Field of people that keeps the company's name; empty to leave it out. Where people belong to
            company records, Marketo does not change `company` here, and a custom field serves.
        history_days: How long Marketo keeps activities of that type; older ones are gone.
        concurrency: Requests that the subscription takes at once, of all its integrations together.
        slot_wait: Seconds that a call waits for one of them.
        settle_seconds: How long Marketo may work on a request after we stopped waiting for it.
    """  # noqa: D415 - a heading that the list completes

    client_id: str
    client_secret: Secret
    activity_type: int
    text_attribute: str = "text"
    company_field: str = "company"
    history_days: int = 760
    concurrency: int = 10
    slot_wait: float = 5.0
    settle_seconds: float = 30.0
