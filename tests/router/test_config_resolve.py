"""Which configuration a process starts with, and what stops it."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from router.config.load import (
    DEFAULT_PRESET,
    Options,
    Settings,
    environment,
    exposure_error,
    load,
    resolve,
)
from router.config.presets import preset_names, preset_path
from router.config.schema import Config, Environment, Model, Server, Upstream
from router.domain import ModelId
from router.errors import ConfigError

FILE = """
[tiers]
easy = ["one"]
medium = ["one"]
hard = ["two"]

[upstream.first]
base_url = "https://first.test/v1"
key_env = "FIRST_KEY"

[upstream.second]
base_url = "https://second.test/v1"
key_env = "SECOND_KEY"

[upstream.idle]
base_url = "https://idle.test/v1"
key_env = "IDLE_KEY"

[upstream.open]
base_url = "http://127.0.0.1:8000/v1"

[model.one]
upstream = "first"
name = "one"
context = 8192

[model.two]
upstream = "second"
name = "two"
context = 8192

[model.three]
upstream = "open"
name = "three"
context = 8192

[server]
port = 9000
"""
BOTH = {"FIRST_KEY": "1", "SECOND_KEY": "2"}


def sandbox() -> Config:
    """A configuration that no file could give."""
    model = ModelId("pretended")
    return Config(
        tiers={"easy": (model,), "medium": (model,), "hard": (model,)},
        model={model: Model(upstream="sandbox", name="pretended", context=8_192)},
        upstream={"sandbox": Upstream(base_url="http://127.0.0.1:1/v1", key_env="UNSET")},
        simulated=True,
    )


def start(environ: Mapping[str, str], **options: str | int | bool) -> Settings:
    return resolve(msgspec.convert(options, Options), environ, sandbox=sandbox)


def preset(name: str) -> Config:
    return load(preset_path(name))


def start_or_refusal(environ: Mapping[str, str]) -> str:
    """Where the settings come from, or why there are none."""
    try:
        return start(environ).origin
    except ConfigError as error:
        return str(error)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "router.toml"
    path.write_text(FILE)
    return str(path)


@pytest.fixture
def provider_keys() -> dict[str, str]:
    """Everything that the default preset asks for."""
    upstreams = preset(DEFAULT_PRESET).upstream.values()
    return {upstream.key_env: f"key of {upstream.key_env}" for upstream in upstreams}


def test_without_file_and_keys_the_sandbox_answers() -> None:
    settings = start({"PATH": "/bin", "OPENAI_ORG": "x"})
    assert settings.origin == "sandbox"
    assert settings.sandbox
    assert settings.config.simulated
    assert settings.environment.upstream_keys == {}


def test_a_file_is_used_and_only_its_own_keys_are_read(file: str) -> None:
    settings = start({**BOTH, "IDLE_KEY": "3", "OTHER_KEY": "4"}, config=file)
    assert settings.origin == "file"
    assert not settings.sandbox
    assert settings.config.server.port == 9000
    assert settings.environment.upstream_keys == {"first": "1", "second": "2"}


def test_the_environment_may_name_the_file_and_the_command_line_goes_before(
    file: str, tmp_path: Path
) -> None:
    assert start({**BOTH, "GEARSHIFT_CONFIG": file}).origin == "file"
    absent = str(tmp_path / "absent.toml")
    assert start({**BOTH, "GEARSHIFT_CONFIG": absent}, config=file).origin == "file"
    with pytest.raises(ConfigError, match=r"absent\.toml: there is no such file"):
        start({**BOTH, "GEARSHIFT_CONFIG": absent})


@pytest.mark.parametrize("empty", [{}, {"SECOND_KEY": ""}, {"SECOND_KEY": "  "}])
def test_a_missing_key_stops_the_start_and_is_named(file: str, empty: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        start({"FIRST_KEY": "1", **empty}, config=file)
    assert str(caught.value) == (
        f"{file}: the environment lacks SECOND_KEY (key_env of upstream.second)"
    )


def test_all_missing_keys_are_named_at_once(file: str) -> None:
    with pytest.raises(ConfigError, match="lacks FIRST_KEY and SECOND_KEY"):
        start({}, config=file)


@pytest.mark.parametrize("key", ["sk-schlüssel", "sk-\r\nx: y", "sk-\udce9"])
def test_a_key_that_no_header_carries_stops_the_start_and_is_not_repeated(
    file: str, key: str
) -> None:
    with pytest.raises(ConfigError, match="SECOND_KEY holds no key") as caught:
        start({**BOTH, "SECOND_KEY": key}, config=file)
    assert key not in str(caught.value)


def test_a_rule_about_the_key_of_a_router_without_one_stops_the_start(
    file: str, tmp_path: Path
) -> None:
    ruled = tmp_path / "ruled.toml"
    rule = '[[policy.rule]]\nname = "r"\nkey = "default"\ntier = "hard"\n'
    ruled.write_text(Path(file).read_text() + rule)
    with pytest.raises(ConfigError) as caught:
        start(BOTH, config=str(ruled))
    assert str(caught.value) == (
        f"{ruled}: `policy.rule[0].key` can match nobody: GEARSHIFT_API_KEY is not set"
    )
    assert start({**BOTH, "GEARSHIFT_API_KEY": "sk"}, config=str(ruled)).origin == "file"


def test_a_file_is_never_replaced_by_the_sandbox(file: str) -> None:
    with pytest.raises(ConfigError):
        start({}, config=file)
    with pytest.raises(ConfigError):
        start({"GEARSHIFT_CONFIG": file})


def test_a_provider_key_alone_starts_the_default_preset(provider_keys: dict[str, str]) -> None:
    settings = start(provider_keys)
    assert settings.origin == "preset"
    assert settings.config.tiers == preset(DEFAULT_PRESET).tiers
    assert set(settings.environment.upstream_keys.values()) <= set(provider_keys.values())


def test_what_the_default_preset_still_misses_stops_the_start(
    provider_keys: dict[str, str],
) -> None:
    named = [one.key_env for name in preset_names() for one in preset(name).upstream.values()]
    others = {variable for variable in named if variable} - set(provider_keys)
    assert others
    for variable in others:
        said = start_or_refusal({variable: "a key"})
        assert said.startswith(f"no --config is given, so preset {DEFAULT_PRESET} is used: ")
        assert all(missing in said for missing in provider_keys)


@pytest.mark.parametrize("name", preset_names())
def test_a_key_of_any_preset_keeps_the_sandbox_away(name: str) -> None:
    named = [one.key_env for one in preset(name).upstream.values() if one.key_env]
    for variable in named:
        outcome = start_or_refusal({variable: "hush"})
        assert outcome == "preset" or "the environment lacks" in outcome
        assert "hush" not in outcome


def test_the_sandbox_can_be_asked_for_against_everything(
    file: str, provider_keys: dict[str, str]
) -> None:
    assert start({**provider_keys, "GEARSHIFT_CONFIG": file}, sandbox=True).sandbox
    with pytest.raises(ConfigError, match="--sandbox and --config exclude each other"):
        start(BOTH, sandbox=True, config=file)


def test_the_command_line_replaces_where_to_listen(file: str) -> None:
    server = start(BOTH, config=file, host="::1", port=0, workers=3).config.server
    assert (server.host, server.port, server.workers) == ("::1", 0, 3)
    assert start(BOTH, config=file, workers=2).config.server.port == 9000


@pytest.mark.parametrize(
    ("option", "value"), [("port", 65_536), ("port", -1), ("workers", 0), ("workers", -2)]
)
def test_an_impossible_option_is_named(file: str, option: str, value: int) -> None:
    with pytest.raises(ConfigError, match=f"--{option} cannot be {value}"):
        start(BOTH, config=file, **{option: value})


def test_places_and_secrets_come_from_the_environment() -> None:
    assert environment({}) == Environment()
    said = environment(
        {
            "GEARSHIFT_DATA_DIR": "/var/lib/gearshift",
            "GEARSHIFT_REDIS_URL": "redis://cache:6379/0",
            "GEARSHIFT_LEDGER_URL": "postgresql://ledger/gearshift",
            "GEARSHIFT_API_KEY": "  spaced \n",
            "GEARSHIFT_ADMIN_KEY": "",
            "GEARSHIFT_CACHE_SECRET": "pepper",
            "REDIS_URL": "redis://other:6379/0",
        }
    )
    assert said == Environment(
        data_dir="/var/lib/gearshift",
        redis_url="redis://cache:6379/0",
        ledger_url="postgresql://ledger/gearshift",
        api_key="spaced",
        cache_secret="pepper",
    )


KEYED = Environment(api_key="a", admin_key="b")


def listening(host: str, *, insecure: bool = False) -> Config:
    return msgspec.structs.replace(sandbox(), server=Server(host=host, insecure=insecure))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST"])
def test_localhost_needs_no_keys(host: str) -> None:
    assert exposure_error(listening(host), Environment()) is None


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "192.0.2.7", "router.test", "localhost.evil"]
)
def test_others_are_let_in_only_with_both_keys(host: str) -> None:
    said = exposure_error(listening(host), Environment())
    assert said is not None
    assert "set GEARSHIFT_API_KEY and GEARSHIFT_ADMIN_KEY" in said
    half = exposure_error(listening(host), Environment(api_key="a"))
    assert half is not None
    assert "set GEARSHIFT_ADMIN_KEY," in half
    assert exposure_error(listening(host), KEYED) is None
    assert exposure_error(listening(host, insecure=True), Environment()) is None
