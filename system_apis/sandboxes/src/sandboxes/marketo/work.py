"""How long Marketo works: on a search before it answers, on a write between looking and writing."""

from typing import Any


class Work:
    """Seconds; none until a control sets them."""

    seconds = 0.0

    def change(self, body: dict[str, Any]) -> dict[str, Any]:
        """The control `work`."""
        self.seconds = float(body["seconds"])
        return body
