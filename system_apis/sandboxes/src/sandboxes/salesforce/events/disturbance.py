"""What is to go wrong in the Pub/Sub API: apart from gRPC, so that controls work before gRPC is loaded."""

from typing import Literal

from msgspec import Struct


class Disturbance(Struct, forbid_unknown_fields=True):
    """One failure.

    Attributes:
        call: `Subscribe`, `Publish`, …; or `*`.
        fault: A refusal, `internal` (a message broke off) and `unknown` (somebody between answered with a web page)
            among them; or `end`: the stream ends without one; `silent`: nothing comes any more; `garbled`: events
            that no schema reads; `lost`: a publication is done, and its answer is not sent.
        after: So many calls, or messages of streams, pass first.
        times: How often it strikes.
    """

    fault: Literal[
        "unavailable", "unauthenticated", "limit", "corrupted", "expired", "internal", "unknown",
        "end", "silent", "garbled", "lost",
    ]  # fmt: skip
    call: str = "*"
    after: int = 0
    times: int = 1

    def strikes(self, call: str) -> bool:
        """Whether it strikes this call or message; counts it."""
        if self.call not in ("*", call) or self.times == 0:
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True
