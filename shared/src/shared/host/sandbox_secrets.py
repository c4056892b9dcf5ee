"""What a stand-in backend and our connector to it must both know, made when it is first needed.

Whatever the section of a stand-in refers to as `file:{state}/...` is made if it is not there: a random secret, or a
pair of RSA keys where the name ends in `.pem`. The stand-ins hear of it by the environment, `[backends.sap] password`
as `SANDBOX_SAP_PASSWORD`; of a private key they hear where its public half is, `private_key` as
`SANDBOX_SALESFORCE_PUBLIC_KEY_FILE`. A table with a stand-in of its own has its own: of `[backends.oracle.ebs]`,
`SANDBOX_ORACLE_EBS_PASSWORD`.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.host.runtime import ensure_secret
from shared.host.settings import SANDBOX
from shared.host.topology import Topology

_KEPT_HERE = "file:{state}/"


def sandbox_environment(topology: Topology, state: Path) -> dict[str, str]:
    """The variables for the stand-in backends of a topology; makes the secrets, and leaves keys to `ensure_keys`."""
    variables: dict[str, str] = {}
    for backend, setting, path in _kept(topology, state):
        if path.suffix == ".pem":
            name, value = setting.replace("private", "public") + "_file", str(_public(path).resolve())
        else:
            name, value = setting, ensure_secret(path).read_text()
        variables[f"SANDBOX_{backend}_{name}".upper()] = value
    return variables


def ensure_keys(topology: Topology, state: Path) -> None:
    """Make the pairs of keys that are not there yet; a private half is readable by us only."""
    for _, _, path in _kept(topology, state):
        if path.suffix == ".pem" and not path.exists():
            _make_keys(path)


def _kept(topology: Topology, state: Path) -> Iterator[tuple[str, str, Path]]:
    """Backend, setting and file of every secret that we keep ourselves."""
    for backend, section in _sections(topology):
        if not str(section.get("url", "")).startswith(SANDBOX):
            continue
        for setting, value in section.items():
            if isinstance(value, str) and value.startswith(_KEPT_HERE):
                yield backend, setting, state / value.removeprefix(_KEPT_HERE)


def _sections(topology: Topology) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for backend, section in topology.backends.items():
        yield backend, section
        for name, table in section.items():
            if isinstance(table, dict):
                yield f"{backend}_{name}", table  # pyright: ignore[reportUnknownMemberType] - TOML keys are text


def _public(private: Path) -> Path:
    return private.with_suffix(".pub.pem")


def _make_keys(private: Path) -> None:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - only the first start needs it
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _public(private).write_bytes(public)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
