"""A version with cut-offs of its own serves, and what it decided can be decided again."""

from pathlib import Path

import msgspec
import pytest

from classifier import artifact
from classifier.registry import PROMOTED, builtin
from classifier.types import Cutoffs, Version
from router.config.schema import Config
from router.config.schema import Cutoffs as Written
from tests.registries import KEPT
from tests.routers import running_router

CALIBRATED = Version("20261125-0c0ffee0")
EVERYTHING = Cutoffs(easy=0.0, medium=0.0)
PROOF = "Prove that there are infinitely many primes of the form 4k + 3."


def promote(data_dir: Path, cutoffs: Cutoffs) -> None:
    """The built-in model with `cutoffs`, in service."""
    registry = data_dir / "registry"
    artifact.derive(
        registry / CALIBRATED,
        builtin(),
        version=CALIBRATED,
        cutoffs={"auto": cutoffs},
        guarantee=KEPT,
        card="# Card\n",
    )
    (registry / PROMOTED).write_text(CALIBRATED)


def by_success(config: Config) -> Config:
    return msgspec.structs.replace(
        config, policy=msgspec.structs.replace(config.policy, by="success")
    )


@pytest.mark.anyio
async def test_its_cutoffs_decide_and_decide_again(tmp_path: Path) -> None:
    promote(tmp_path, EVERYTHING)
    async with running_router(tmp_path, change=by_success) as router:
        answer = await router.chat(PROOF)
        entry = await router.entry(answer.headers["x-gearshift-decision"])
    assert (entry.decision.tier, entry.decision.reason) == ("easy", "success")
    assert entry.decision.verdict
    # The verdict names the version, and its manifest holds the cut-offs.
    version = entry.decision.verdict.model_version
    cutoffs = artifact.read_manifest(tmp_path / "registry" / version).cutoffs
    assert cutoffs == {"auto": EVERYTHING}
    assert router.decide_again(entry) == entry.decision
    assert entry.policy_version == router.table.version


@pytest.mark.anyio
async def test_cutoffs_of_the_configuration_go_first(tmp_path: Path) -> None:
    promote(tmp_path, EVERYTHING)
    nothing = Written(easy=1.0, medium=1.0)

    def change(config: Config) -> Config:
        config = by_success(config)
        policy = msgspec.structs.replace(config.policy, auto=nothing)
        return msgspec.structs.replace(config, policy=policy)

    async with running_router(tmp_path, change=change) as router:
        answer = await router.chat(PROOF)
        entry = await router.entry(answer.headers["x-gearshift-decision"])
    assert (entry.decision.tier, entry.decision.reason) == ("hard", "success")
    assert router.decide_again(entry) == entry.decision
    assert entry.policy_version == router.table.version
