"""Where the keys are that seal what is kept: named by the topology, else a file in the state directory."""

from pathlib import Path

from shared.host.topology import Topology, TopologyRefused
from shared.security.key_ring import KeyRing, ensure_key_file
from shared.security.secrets import Secret, UnreadableSecretError


def sealing_key_file(state: Path) -> Path:
    """The key file of a state directory."""
    return state / "sealing" / "keys"


def open_key_ring(topology: Topology, state: Path) -> KeyRing:
    """The key ring of a topology; makes the state directory's own if none is named.

    Raises:
        TopologyRefused: The keys cannot be read; says why.
    """
    try:
        named = topology.sealing_keys.replace("{state}", str(state.resolve()))
        return KeyRing(Secret(named or f"file:{ensure_key_file(sealing_key_file(state)).resolve()}"))
    except (UnreadableSecretError, PermissionError) as error:
        raise TopologyRefused(f"sealing_keys: {error}") from None
