"""What an operation marked `@webhook` is given: a message whose signature fits."""

from typing import Annotated

import msgspec

from shared.security.sensitive import Sensitive


class SignedMessage(msgspec.Struct, frozen=True, rename="camel"):
    """A message that nobody but a holder of the shared secret can have written.

    Attributes:
        message_id: The sender's own, the same for each attempt; where it gives none, a digest of the content.
        topic: What it is about, where the sender says so in a header; a hint, since no vendor signs it.
        content: The body, byte for byte as it was signed.
    """

    message_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    topic: str
    content: Sensitive[bytes]
