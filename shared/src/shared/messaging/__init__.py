"""Messages that may arrive twice: the Idempotent Receiver and its key."""

from shared.messaging.idempotency_key import (
    IdempotencyKeyInFlight,
    IdempotencyKeyReused,
    parse_idempotency_key,
)
from shared.messaging.idempotent_receiver import Codec, IdempotentReceiver

__all__ = [
    "Codec",
    "IdempotencyKeyInFlight",
    "IdempotencyKeyReused",
    "IdempotentReceiver",
    "parse_idempotency_key",
]
