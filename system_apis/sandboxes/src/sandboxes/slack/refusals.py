"""How Slack says no: 200 with `ok` false and a code."""


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """An answer that is an error (docs.slack.dev, "errors" of each method)."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error
