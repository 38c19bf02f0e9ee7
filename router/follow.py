"""Following the registry: another version was promoted, and the scorer goes on with that one.

Each worker looks by itself, now and then and whenever it is told to, so nothing has to reach all
of them. Whatever cannot be loaded leaves the one that serves where it is, and health says why.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from classifier import history
from classifier.artifact import ArtifactError, load
from classifier.history import BUILTIN, RegistryError
from classifier.model import Classifier
from classifier.registry import folder_of, promoted
from classifier.remote import believe, fetch, locate, serving
from router.config.schema import Config, Environment
from router.errors import ConfigError
from router.gateway.canaries import unreached_tiers
from router.policy.table import PolicyTable, compile_policy
from router.telemetry.log import Log
from router.telemetry.metrics import Metrics

AGAIN_S: Final = 10.0
"""When what could not be loaded is tried again: it may have been on its way still."""
PATIENCE_S: Final = 20.0
"""How long a look waits before health says that there is no answer."""
START_S: Final = 20.0
"""How long a start waits for a registry behind a URL; then it goes on with what was copied last."""


class Loaded(Struct, frozen=True, kw_only=True):
    """A classifier, and what is known against it."""

    classifier: Classifier
    table: PolicyTable
    """The policy with the cut-offs that it brings."""
    name: str
    """What the registry's marker calls it."""
    trouble: str | None = None
    """Why it is not the one that is promoted; none when it is."""
    dead: tuple[str, ...] = ()
    """Tiers that it reaches with no canary, and cut-offs that it lacks, in words."""

    @property
    def reasons(self) -> list[str]:
        """What health has to say of it."""
        return [*([self.trouble] if self.trouble else []), *self.dead]


def registry_of(environment: Environment) -> Path:
    """The folder of the registry that the environment means. Raises ConfigError."""
    data = Path(environment.data_dir)
    try:
        return locate(environment.registry or str(data / "registry"), data / "registries")
    except RegistryError as error:
        raise ConfigError(f"GEARSHIFT_REGISTRY: {error}") from error


async def load_first(registry: Path, config: Config) -> Loaded:
    """What a worker starts with. Raises ArtifactError when nothing at all can be loaded."""
    missed, name = None, ""
    try:
        async with asyncio.timeout(START_S):
            name = await asyncio.to_thread(serving, registry)
            await asyncio.to_thread(fetch, registry, name)
    except (ArtifactError, RegistryError, TimeoutError) as error:
        missed = _trouble(error)
    loaded = await asyncio.to_thread(load_classifier, registry, config, name)
    return structs.replace(loaded, trouble=loaded.trouble or missed)


def load_classifier(registry: Path, config: Config, name: str = "") -> Loaded:
    """The promoted classifier, else the last that served before and still can, else the built-in.

    `name` is what the registry's origin calls the promoted one, where that is known.
    Raises ArtifactError when the built-in one is damaged too: then there is nothing to serve with.
    """
    try:
        name = name or promoted(registry)
        return _proved(registry, name, config)
    except ArtifactError as error:
        trouble = _trouble(error)
    for before in _served_before(registry, name or BUILTIN):
        with suppress(ArtifactError):
            return structs.replace(_proved(registry, before, config), trouble=trouble)
    return structs.replace(_loaded(registry, BUILTIN, config), trouble=trouble)


class Follower:
    """Keeps one worker's scorer on the version in service. Belongs to one event loop."""

    def __init__(
        self,
        registry: Path,
        loaded: Loaded,
        *,
        config: Config,
        swap: Callable[[Loaded], None],
        log: Log,
        metrics: Metrics,
    ) -> None:
        self._registry = registry
        self._loaded = loaded
        self._config = config
        self._swap = swap
        self._log = log
        self._metrics = metrics
        self._refused = ""
        self._again_at = 0.0
        self._woken = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    @property
    def reasons(self) -> list[str]:
        """What is wrong with the model in service, or why it is not the one that should be."""
        return self._loaded.reasons

    def wake(self) -> None:
        """Look now: someone said that another model serves."""
        self._refused = ""
        self._woken.set()

    async def follow(self, pause_s: float) -> None:
        """Look every `pause_s` seconds, and whenever woken, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._woken.wait()
            self._woken.clear()
            await self.look()

    async def look(self, patience_s: float = PATIENCE_S) -> None:
        """Go on with what is promoted, if that is another version than serves. Never raises.

        Where a store does not answer, its thread cannot be stopped: it is waited for by the next
        look, so there is never more than one.
        """
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        done, _ = await asyncio.wait({self._looking}, timeout=patience_s)
        if not done:
            self._refuse("", TimeoutError())

    async def _look(self) -> None:
        name = ""
        try:
            name = await asyncio.to_thread(serving, self._registry)
            if name == self._loaded.name:
                self._loaded = structs.replace(self._loaded, trouble=None)
            elif name != self._refused or time.monotonic() >= self._again_at:
                self._take(await asyncio.to_thread(self._load, name))
        except Exception as error:  # whatever it is, what serves goes on serving
            self._refuse(name, error)

    def _load(self, name: str) -> Loaded:
        """In a thread: requests are answered meanwhile."""
        fetch(self._registry, name)
        return _proved(self._registry, name, self._config)

    def _take(self, loaded: Loaded) -> None:
        before = self._loaded.classifier.version
        self._swap(loaded)
        self._loaded = loaded
        self._refused = ""
        self._log.info("model changed", version=loaded.classifier.version, before=before)
        self._metrics.count_model("taken")
        for reason in loaded.dead:
            self._log.warning("degraded", reason=reason)

    def _refuse(self, name: str, error: Exception) -> None:
        trouble = _trouble(error)
        self._refused, self._again_at = name, time.monotonic() + AGAIN_S
        if trouble != self._loaded.trouble:
            self._loaded = structs.replace(self._loaded, trouble=trouble)
            self._log.warning("degraded", reason=trouble, error=str(error))
            self._metrics.count_model("refused")


def _trouble(error: Exception) -> str:
    """For health, which is open to all: a store's own words, which may say too much, stay out."""
    match error:
        case ArtifactError():
            return f"the promoted model cannot be used: {error}"
        case RegistryError() | TimeoutError():
            cause = type(error.__cause__ or error).__name__
            return f"the registry cannot be reached ({cause}): the model may be out of date"
        case _:
            return f"the promoted model cannot be used ({type(error).__name__})"


def _served_before(registry: Path, name: str) -> list[str]:
    """What to fall back to, the latest first."""
    try:
        return history.served(history.read(registry), name)[::-1]
    except RegistryError:  # then there is the built-in one
        return []


def _proved(registry: Path, name: str, config: Config) -> Loaded:
    """What `_loaded` gives; a copy of a registry remembers what served last."""
    loaded = _loaded(registry, name, config)
    with suppress(ArtifactError, RegistryError):  # it serves all the same
        believe(registry, name)
    return loaded


def _loaded(registry: Path, name: str, config: Config) -> Loaded:
    """Version `name`, with the policy and what that cannot reach. Raises ArtifactError."""
    classifier = load(folder_of(registry, name))
    table = compile_policy(config, classifier.cutoffs)
    dead = [f"no canary reaches the {tier} tier" for tier in unreached_tiers(classifier, table)]
    policy = config.policy
    if policy.by == "success" and policy.auto is None and "auto" not in classifier.cutoffs:
        dead.append("the cut-offs of `auto` are placeholders: gearshift calibrate chooses them")
    return Loaded(classifier=classifier, table=table, name=name, dead=tuple(dead))
