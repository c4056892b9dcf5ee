"""A topology may trust further issuers; their subjects never meet ours."""

from pathlib import Path

import pytest

from shared.binding.problems import Unauthenticated
from shared.host.placement import Placement
from shared.host.process import Process
from shared.host.runtime import Runtime
from shared.host.server import free_port, serving
from shared.security.issuer import Issuer
from shared.security.issuer_app import issuer_app
from shared.security.signing_keys import SigningKeys

FUSED = Path(__file__).parents[3] / "deploy" / "topologies" / "fused.toml"
AUDIENCE = "urn:triptych:experience:field-sales"


async def test_a_trusted_issuers_token_is_accepted_under_its_prefix_and_a_strangers_is_not(tmp_path: Path) -> None:
    port = free_port()
    partner = Issuer(f"http://127.0.0.1:{port}", SigningKeys(tmp_path / "partner"))
    topology = tmp_path / "trusting.toml"
    topology.write_text(f'{FUSED.read_text()}\n[trusted_issuers.partner]\nissuer = "{partner.url}"\n')
    runtime = Runtime(
        topology=str(topology), state=str(tmp_path), processes={"suite": "http://127.0.0.1:1"},
        issuer="http://127.0.0.1:1", valkey="unix:///nowhere",
    )  # fmt: skip
    process = Process(runtime, Placement.of(runtime, "suite"))
    stranger = Issuer("http://127.0.0.1:2", SigningKeys(tmp_path / "stranger"))
    async with serving(issuer_app(partner), "127.0.0.1", port):
        token = partner.issue("ada", "their-app", AUDIENCE, ["field-sales:read"])
        principal = await process.verifier.verify(token, AUDIENCE)
        with pytest.raises(Unauthenticated) as refused:
            await process.verifier.verify(stranger.issue("ada", "a", AUDIENCE, ["field-sales:read"]), AUDIENCE)
    assert principal.subject == "partner|ada"
    assert principal.scopes == {"field-sales:read"}
    assert refused.value.extensions["reason"] == "issuer"
    await process.stop()
