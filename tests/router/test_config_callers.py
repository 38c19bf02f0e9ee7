"""Keys, budgets and the shadow: what is refused, and by which sentence."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from router.config.access import Budget, Key, Limit, Shadow
from router.config.checks import faults
from router.config.load import Options, exposure_error, resolve
from router.config.schema import Config, Environment, Policy, Rule, Server
from router.config.shape import shape
from router.domain import ModelId
from router.errors import ConfigError
from router.sandbox.profile import sandbox_config
from tests.router.test_config_checks import config, with_callers

HASH, OTHER = "a" * 64, "b" * 64
TEAM = Key(name="team", hash=HASH)
FILE = """
[tiers]
easy = ["m"]
medium = ["m"]
hard = ["m"]
[upstream.host]
base_url = "http://127.0.0.1:1/v1"
[model.m]
upstream = "host"
name = "m"
context = 1_000
"""
LIMITED = FILE + "[budget.daily]\nhard_usd = 1\n"


def said(*keys: Key) -> list[str]:
    return list(faults(with_callers(keys=keys)))


def changed(**fields: object) -> Key:
    return msgspec.structs.replace(TEAM, **fields)


def test_sound_keys_have_no_faults() -> None:
    other = Key(name="ops team", hash=OTHER, expires="2027-01-31", models=("auto", "k2"))
    assert said(TEAM, other, Key(name="default")) == []


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (changed(name=""), ".name` is no name"),
        (changed(name="naïve"), ".name` is no name"),
        (changed(name="x" * 65), "at most 64 characters"),
        (changed(hash=""), "`gearshift keys new NAME` makes a key"),
        (changed(hash="A" * 64), ".hash` is no SHA-256 in 64 lower-case hex digits"),
        (changed(name="default"), ".hash` has no place"),
        (Key(name="default", expires="2027-01-01"), ".expires` has no place"),
        (changed(expires="2027-02-30"), "write the day as YYYY-MM-DD"),
        (changed(models=("auto", "k3")), ".models` names `k3`, which no request could ask for"),
        (
            changed(budget=Budget(daily=Limit(soft_usd=2, hard_usd=1))),
            ".budget.daily.soft_usd` is above `hard_usd`",
        ),
    ],
)
def test_a_key_without_sense_is_named_by_its_place(key: Key, sentence: str) -> None:
    (found,) = said(Key(name="first", hash=OTHER), key)
    assert found.startswith("`key[1].")
    assert sentence in found


def test_a_key_that_stands_where_its_hash_should_is_not_repeated() -> None:
    (found,) = said(changed(hash="gs-secret"))
    assert "gs-secret" not in found


def test_two_keys_are_told_apart_by_name_and_by_hash() -> None:
    names = said(TEAM, changed(hash=OTHER))
    assert names == [f"`key[{n}].name` is `team`, as that of another key" for n in (0, 1)]
    hashes = said(TEAM, changed(name="b"))
    assert hashes == [f"`key[{n}].hash` is that of another key" for n in (0, 1)]


def test_a_rule_may_name_every_key_that_there_is() -> None:
    policy = Policy(rule=(Rule(name="r", key="team", at_most="medium"),))
    ruled = config(policy=policy)
    assert list(faults(msgspec.structs.replace(ruled, key=(TEAM,)))) == []
    (found,) = faults(ruled)
    assert found.endswith("names no API key; there is default")


@pytest.mark.parametrize(
    ("shadow", "sentence"),
    [
        (Shadow(model=ModelId("k3")), "`shadow.model` names `k3`, which is no model of the file"),
        (Shadow(upstream="hots"), "has no table [upstream.…]; did you mean `host`?"),
    ],
)
def test_a_shadow_needs_models_and_hosts_that_exist(shadow: Shadow, sentence: str) -> None:
    (found,) = faults(with_callers(shadow=shadow))
    assert sentence in found


def test_with_a_host_for_strangers_a_key_may_name_any_model() -> None:
    keys = (changed(models=("gpt-5",)),)
    assert list(faults(with_callers(keys=keys, shadow=Shadow(upstream="host")))) == []


@pytest.mark.parametrize("amount", ["-1", "1e7", '"5"'])
def test_a_limit_is_an_amount_that_can_be_counted(amount: str) -> None:
    raw = tomllib.loads(FILE + f"[budget.monthly]\nhard_usd = {amount}\n")
    with pytest.raises(ConfigError, match=r"budget\.monthly\.hard_usd"):
        shape(raw)


def start(folder: Path, text: str, **environ: str) -> Config:
    path = folder / "router.toml"
    path.write_text(text)
    return resolve(Options(config=str(path)), environ, sandbox=sandbox_config).config


def test_several_workers_need_redis_to_count_together(tmp_path: Path) -> None:
    many = LIMITED + "[server]\nworkers = 2\n"
    with pytest.raises(ConfigError) as caught:
        start(tmp_path, many)
    assert str(caught.value).endswith(
        "2 workers would each count the budgets for itself: set GEARSHIFT_REDIS_URL, or "
        "`server.workers = 1`"
    )
    assert start(tmp_path, many, GEARSHIFT_REDIS_URL="redis://127.0.0.1:1/0").limited
    assert start(tmp_path, LIMITED).limited
    assert not start(tmp_path, FILE + "[server]\nworkers = 2\n").limited


def test_what_is_said_of_the_default_key_needs_one(tmp_path: Path) -> None:
    text = FILE + '[[key]]\nname = "default"\n[key.budget.daily]\nsoft_usd = 1\n'
    with pytest.raises(ConfigError, match=r"`key\[0\]\.name` can match nobody"):
        start(tmp_path, text)
    assert start(tmp_path, text, GEARSHIFT_API_KEY="sk").limited


def test_keys_of_the_file_guard_an_address_that_others_reach() -> None:
    exposed = msgspec.structs.replace(with_callers(keys=(TEAM,)), server=Server(host="0.0.0.0"))
    assert exposure_error(exposed, Environment(admin_key="sk")) is None
    without = msgspec.structs.replace(exposed, key=(Key(name="default"),))
    assert "GEARSHIFT_API_KEY" in str(exposure_error(without, Environment(admin_key="sk")))
