"""One configuration out of a file or preset, the environment and the command line.

The only module that reads the environment. Everything wrong is a ConfigError in one sentence that
names the file and the key, or the variable.
"""

import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from router.config.checks import faults
from router.config.names import DEFAULT_KEY
from router.config.presets import preset_names, preset_path
from router.config.schema import Config, Environment, Server
from router.config.shape import shape
from router.errors import ConfigError

DEFAULT_PRESET = "k2"
SENDABLE: Final = re.compile(r"[ -~]+")
"""What can stand behind `Bearer` in a header."""

Origin: TypeAlias = Literal["file", "preset", "sandbox"]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says; none means "not said"."""

    config: str | None = None
    host: str | None = None
    port: int | None = None
    workers: int | None = None
    sandbox: bool = False


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a process runs with, and where it comes from."""

    config: Config
    environment: Environment
    origin: Origin

    @property
    def sandbox(self) -> bool:
        """Whether the sandbox answers instead of a provider."""
        return self.origin == "sandbox"


def environment(environ: Mapping[str, str] = os.environ) -> Environment:
    """The places and secrets that `environ` names; an empty variable is as good as none.

    Keys of upstreams are not among them: which variables hold them is the configuration's to say.
    """

    def read(name: str) -> str:
        return environ.get(f"GEARSHIFT_{name}", "").strip()

    return Environment(
        data_dir=read("DATA_DIR") or Environment().data_dir,
        registry=read("REGISTRY"),
        redis_url=read("REDIS_URL"),
        ledger_url=read("LEDGER_URL"),
        config=read("CONFIG"),
        api_key=read("API_KEY"),
        admin_key=read("ADMIN_KEY"),
        cache_secret=read("CACHE_SECRET"),
    )


def load(path: str | Path) -> Config:
    """The configuration in the file at `path`, checked whole. Raises ConfigError."""
    try:
        config = shape(_read(Path(path).expanduser()))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    for fault in faults(config):
        raise ConfigError(f"{path}: {fault}")
    if config.simulated:
        raise ConfigError(f"{path}: `simulated` is no setting; start with --sandbox instead")
    return config


def resolve(
    options: Options, environ: Mapping[str, str] = os.environ, *, sandbox: Callable[[], Config]
) -> Settings:
    """The settings to start with. Raises ConfigError.

    A file that is named is used. Without one, `sandbox()` serves where no key of any preset's
    provider is set, else the default preset: nobody gets simulated answers by accident.
    """
    said = environment(environ)
    config, origin, name = _choose(options, said, environ, sandbox)
    keys = {} if origin == "sandbox" else _upstream_keys(config, environ, name)
    _check_default_key(config, said, name)
    server = _server(config.server, options)
    _check_counting(config, server, said, name)
    return Settings(
        config=msgspec.structs.replace(config, server=server),
        environment=msgspec.structs.replace(said, upstream_keys=keys),
        origin=origin,
    )


def exposure_error(config: Config, environment: Environment) -> str | None:
    """Why the router must not listen where `config` says, or none when it may."""
    server = config.server
    if server.insecure or is_local(server.host):
        return None
    keys = {
        "GEARSHIFT_API_KEY": environment.api_key or any(key.hash for key in config.key),
        "GEARSHIFT_ADMIN_KEY": environment.admin_key,
    }
    missing = " and ".join(variable for variable, key in keys.items() if not key)
    if not missing:
        return None
    return (
        f"listening on {server.host} opens the router to others: set {missing}, "
        "or `server.insecure = true` where something else guards it"
    )


def effective(config: Config) -> str:
    """Every setting with the value it has, as JSON; a configuration holds no secrets."""
    return msgspec.json.format(msgspec.json.encode(config)).decode()


def _choose(
    options: Options, said: Environment, environ: Mapping[str, str], sandbox: Callable[[], Config]
) -> tuple[Config, Origin, str]:
    """The configuration, where it comes from, and how a message about it begins."""
    if options.sandbox and options.config:
        raise ConfigError("--sandbox and --config exclude each other")
    path = options.config or said.config
    if options.sandbox or not (path or _provider_keys(environ)):
        return sandbox(), "sandbox", ""
    if path:
        return load(path), "file", path
    chosen = f"no --config is given, so preset {DEFAULT_PRESET} is used"
    return load(preset_path(DEFAULT_PRESET)), "preset", chosen


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError("there is no such file") from error
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the file is not UTF-8 (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the file is not valid TOML: {error}") from error


def _provider_keys(environ: Mapping[str, str]) -> set[str]:
    """The variables set in `environ` that hold a provider's key for some preset."""
    presets = [load(preset_path(name)) for name in preset_names()]
    named = {upstream.key_env for preset in presets for upstream in preset.upstream.values()}
    return {variable for variable in named if environ.get(variable, "").strip()}


def _upstream_keys(config: Config, environ: Mapping[str, str], name: str) -> dict[str, str]:
    """Upstream → key, for the upstreams that models use. Raises ConfigError when one is missing."""
    used = {model.upstream for model in config.model.values()}
    variables = {
        host: upstream.key_env
        for host, upstream in config.upstream.items()
        if host in used and upstream.key_env
    }
    keys = {host: environ.get(variable, "").strip() for host, variable in variables.items()}
    if missing := [host for host, key in keys.items() if not key]:
        asked = " and ".join(dict.fromkeys(variables[host] for host in missing))
        of = ", ".join(f"upstream.{host}" for host in missing)
        raise ConfigError(f"{name}: the environment lacks {asked} (key_env of {of})")
    for host, key in keys.items():
        # The key is not repeated.
        if not SENDABLE.fullmatch(key):
            raise ConfigError(f"{variables[host]} holds no key: a header carries printable ASCII")
    return keys


def _check_default_key(config: Config, said: Environment, name: str) -> None:
    """Raises ConfigError for what is said of the default key where there is none."""
    if said.api_key:
        return
    rules = ((f"policy.rule[{at}].key", rule.key) for at, rule in enumerate(config.policy.rule))
    keys = ((f"key[{at}].name", key.name) for at, key in enumerate(config.key))
    for path, key in (*rules, *keys):
        if key == DEFAULT_KEY:
            raise ConfigError(f"{name}: `{path}` can match nobody: GEARSHIFT_API_KEY is not set")


def _check_counting(config: Config, server: Server, said: Environment, name: str) -> None:
    """Raises ConfigError for budgets that several processes would count each for itself."""
    if server.workers > 1 and config.limited and not said.redis_url:
        raise ConfigError(
            f"{name}: {server.workers} workers would each count the budgets for itself: "
            "set GEARSHIFT_REDIS_URL, or `server.workers = 1`"
        )


def _server(server: Server, options: Options) -> Server:
    """`server` with what the command line says in its place. Raises ConfigError."""
    said = {"host": options.host, "port": options.port, "workers": options.workers}
    given = {name: value for name, value in said.items() if value is not None}
    try:
        return msgspec.convert({**msgspec.structs.asdict(server), **given}, Server)
    except msgspec.ValidationError as error:
        option = str(error).rpartition("$.")[2].rstrip("`")
        raise ConfigError(f"--{option} cannot be {given.get(option)}") from error


def is_local(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
