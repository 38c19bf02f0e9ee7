"""What is wrong at the hosts of the models, as far as asking them for their models shows it."""

import asyncio
from typing import Final

from router.config.schema import Config
from router.errors import UpstreamError
from router.ports import UpstreamPort
from router.telemetry.log import Log

_LOOK_S: Final = 300.0


class Hosts:
    """What is wrong at the hosts, as far as asking each for its models shows it."""

    def __init__(self, config: Config, upstream: UpstreamPort, log: Log) -> None:
        self._config = config
        self._upstream = upstream
        self._log = log
        self._found: dict[str, list[str]] = {name: [] for name in config.upstream}

    @property
    def reasons(self) -> list[str]:
        """What the last look found."""
        return [reason for found in self._found.values() for reason in found]

    async def look_around(self) -> None:
        """Keep it fresh, for ever: keys are revoked and models retired meanwhile."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> None:
        """Ask every host; what is found at one replaces what was found there before."""
        for name, before in self._found.items():
            found = await self._ask(name)
            for reason in found:
                if reason not in before:
                    self._log.warning("degraded", reason=reason)
            self._found[name] = found

    async def _ask(self, name: str) -> list[str]:
        try:
            return missing_models(self._config, name, await self._upstream.list_models(name))
        except UpstreamError as error:
            # Not in the host's own words, which may quote the key: anyone may read health.
            refused = error.fault == "auth"
            what = "refuses the router's key" if refused else f"lists no models ({error.fault})"
            return [f"upstream `{name}`: it {what}"]


def missing_models(config: Config, upstream: str, listed: frozenset[str] | None) -> list[str]:
    """What to say of the configured models that a host does not list; nothing if it lists none."""
    if not listed:
        return []
    return [
        f"{model} is not listed by upstream `{upstream}` as `{profile.name}`: retired or misspelt"
        for model, profile in config.model.items()
        if profile.upstream == upstream and profile.name not in listed
    ]
