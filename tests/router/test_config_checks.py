"""Configurations whose types are right and whose sense is wrong."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.types import TIERS, Tier
from router.config.access import Budget, Key, Shadow
from router.config.checks import faults
from router.config.names import BUILT_IN
from router.config.schema import (
    Config,
    Cutoffs,
    Model,
    OutputRatio,
    Policy,
    Price,
    Rule,
    Upstream,
)
from router.domain import ModelId

K2 = Model(upstream="host", name="kimi-k2", context=131_072)
SMALL = Model(upstream="host", name="small", context=32_768)
HOST = Upstream(base_url="https://api.host.test/v1", key_env="HOST_KEY")


def config(
    *,
    easy: tuple[str, ...] = ("small",),
    model: Model = K2,
    upstream: Upstream = HOST,
    aliases: dict[str, str] | None = None,
    policy: Policy | None = None,
) -> Config:
    return Config(
        tiers={
            "easy": tuple(ModelId(name) for name in easy),
            "medium": (ModelId("k2"),),
            "hard": (ModelId("k2"),),
        },
        model={ModelId("k2"): model, ModelId("small"): SMALL},
        upstream={"host": upstream},
        aliases=aliases or {},
        policy=policy or Policy(),
    )


def with_callers(
    *, keys: tuple[Key, ...] = (), budget: Budget | None = None, shadow: Shadow | None = None
) -> Config:
    return msgspec.structs.replace(
        config(), key=keys, budget=budget or Budget(), shadow=shadow or Shadow()
    )


def said_of_model(**changes: object) -> list[str]:
    return list(faults(config(model=msgspec.structs.replace(K2, **changes))))


def said_of_rule(rule: Rule) -> list[str]:
    return list(faults(config(policy=Policy(rule=(rule,)))))


def test_a_sound_configuration_has_no_faults() -> None:
    assert list(faults(config())) == []


def test_every_tier_needs_a_model_that_exists() -> None:
    assert list(faults(config(easy=()))) == ["`tiers.easy` names no model; each tier needs one"]
    assert list(faults(config(easy=("smal",)))) == [
        "`tiers.easy` names `smal`, which has no table [model.…]; did you mean `small`?"
    ]
    assert list(faults(config(easy=("small", "small")))) == ["`tiers.easy` names a model twice"]


@pytest.mark.parametrize("tier", TIERS)
def test_a_tier_that_is_left_out_is_named(tier: Tier) -> None:
    whole = config()
    rest = {name: models for name, models in whole.tiers.items() if name != tier}
    assert list(faults(msgspec.structs.replace(whole, tiers=rest))) == [
        f"`tiers.{tier}` names no model; each tier needs one"
    ]


def test_a_model_needs_a_host_that_exists() -> None:
    assert said_of_model(upstream="hots") == [
        "`model.k2.upstream` is `hots`, which has no table [upstream.…]; did you mean `host`?"
    ]
    assert said_of_model(name="") == [
        "`model.k2.name` is empty; it is the id that the host knows the model by"
    ]


def test_limits_of_a_model_leave_room_for_each_other() -> None:
    assert said_of_model(max_tokens=1_000, min_output_tokens=2_000) == [
        "`model.k2.max_tokens` is below `min_output_tokens`: no request could be sent"
    ]
    assert said_of_model(max_tokens=0, min_output_tokens=2_000) == []
    assert said_of_model(max_tokens=131_072) == [
        "`model.k2.context` leaves no room for input beside its output tokens"
    ]


@pytest.mark.parametrize("temperature", [-0.1, 1.1])
def test_a_temperature_lies_in_the_range_of_its_model(temperature: float) -> None:
    assert said_of_model(temperature=temperature, temperature_max=1.0) == [
        "`model.k2.temperature` is not between 0 and `temperature_max`"
    ]
    assert said_of_model(temperature=1.0, temperature_max=1.0) == []


@pytest.mark.parametrize("day", ["2026-13-01", "20261101", "1 November 2026", "", "2026-11-1"])
def test_a_price_has_a_day(day: str) -> None:
    said = said_of_model(price=Price(input=1, output=2, source="a page", date=day))
    assert said == [f"`model.k2.price.date` is {day!r}; write the day as YYYY-MM-DD"]


@pytest.mark.parametrize(("low", "high"), [(1.1, 2.0), (0.5, 0.9)])
def test_an_output_ratio_lies_in_its_own_range(low: float, high: float) -> None:
    ratio = OutputRatio(value=1.0, low=low, high=high, source="a guess")
    assert said_of_model(output_ratio=ratio) == [
        "`model.k2.output_ratio` does not keep low ≤ value ≤ high"
    ]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.host.test/v1",
        "ftp://host.test",
        "https://",
        "http://[::1",
        "http://h:x/",
        "http://h\n/v1",
    ],
)
def test_a_base_url_is_an_address(url: str) -> None:
    said = list(faults(config(upstream=msgspec.structs.replace(HOST, base_url=url))))
    assert said == ["`upstream.host.base_url` is not an http:// or https:// address"]


def test_a_base_url_can_have_paths_appended() -> None:
    upstream = msgspec.structs.replace(HOST, base_url="https://host.test/v1?version=2")
    assert list(faults(config(upstream=upstream))) == [
        "`upstream.host.base_url` ends in a query; paths are appended to it"
    ]


@pytest.mark.parametrize("target", sorted({*BUILT_IN, *TIERS, "k2", "small"}))
def test_an_alias_means_a_dial_a_tier_or_a_model(target: str) -> None:
    assert list(faults(config(aliases={"gpt-4o": target}))) == []


def test_an_alias_of_nothing_is_refused_with_the_nearest_name() -> None:
    assert list(faults(config(aliases={"gpt-4o": "auto:best2"}))) == [
        (
            "`aliases.gpt-4o` means `auto:best2`, which is no dial, tier or model; "
            "did you mean `auto:best`?"
        )
    ]
    assert len(list(faults(config(aliases={"a": "auto", "b": "a"})))) == 1


@pytest.mark.parametrize("alias", ["auto", "auto:best", "gearshift/easy", "k2"])
def test_an_alias_hides_nothing(alias: str) -> None:
    (said,) = faults(config(aliases={alias: "auto"}))
    assert said.endswith("hides a name that already means something")


def test_an_alias_may_shorten_the_name_of_a_tier() -> None:
    assert list(faults(config(aliases={"easy": "gearshift/easy"}))) == []


@pytest.mark.parametrize("name", ["auto", "easy"])
def test_a_model_takes_no_built_in_name(name: str) -> None:
    whole = config()
    named = msgspec.structs.replace(whole, model={**whole.model, ModelId(name): K2})
    assert list(faults(named)) == [f"`model.{name}` takes a name that always means something else"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Rule(name="r", tier="easy"), "has no condition; give `key`, `header` or `pattern`"),
        (Rule(name="r", key="default"), "has no effect; give `tier`, `at_least` or `at_most`"),
        (Rule(name="r", key="default", tier="easy", at_most="hard"), "gives `tier` and a bound"),
        (Rule(name="r", key="default", at_least="hard", at_most="easy"), "allows no tier"),
        (Rule(name="r", header="X-Team", tier="easy"), ".header` is written in lower case"),
        (Rule(name="r", pattern="(", tier="easy"), ".pattern` is no regular expression: missing )"),
        (Rule(name="r", pattern="a{99999999999}", tier="easy"), "is no regular expression: the"),
        (Rule(name="r", key="default", value="v", tier="easy"), ".value` belongs to a `header`"),
        (Rule(name="r", key="team-a", tier="easy"), ".key` names no API key; there is default"),
        (Rule(name="r", key="", header="x-team", tier="easy"), ".key` names no API key"),
    ],
)
def test_a_rule_without_sense_is_named_by_its_place(rule: Rule, said: str) -> None:
    (sentence,) = said_of_rule(rule)
    assert sentence.startswith("`policy.rule[0]")
    assert said in sentence


def test_a_rule_may_bound_from_both_sides() -> None:
    rule = Rule(name="r", header="x-team", value="legal", at_least="medium", at_most="hard")
    assert said_of_rule(rule) == []


UNSPEAKABLE = ["", " ", "k2 ", "k2\r\nx-evil: 1", "k2\0", "modèle", "\x7f"]


@pytest.mark.parametrize("name", UNSPEAKABLE)
def test_names_can_stand_in_a_header(name: str) -> None:
    whole = config()
    ids = {**whole.model, ModelId(name): K2}
    hosts = {**whole.upstream, name: HOST}
    for table, named in {
        "model": msgspec.structs.replace(whole, model=ids),
        "upstream": msgspec.structs.replace(whole, upstream=hosts),
        "aliases": config(aliases={name: "auto"}),
    }.items():
        (said,) = faults(named)
        assert said.startswith(f"`{table}.")
        assert said.endswith("is no name: use printable ASCII, no blank at either end")
        assert len(said.splitlines()) == 1


@pytest.mark.parametrize("name", ["k", "moonshotai/Kimi-K2:free", "K2 (Novita)", "a@b_c.d"])
def test_names_may_be_what_hosts_call_their_models(name: str) -> None:
    assert list(faults(config(aliases={name: "auto"}))) == []


@pytest.mark.parametrize(
    "field",
    ["model", "messages", "stream", "stream_options", "n", "tools", "tool_choice", "functions", ""],
)
def test_a_default_cannot_change_what_is_asked(field: str) -> None:
    (said,) = said_of_model(defaults={field: True})
    assert said.endswith("cannot be a default: the caller or the router decides it")
    assert said.startswith("`model.k2.defaults.")


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("temperature", "temperature"),
        ("max_tokens", "max_tokens"),
        ("max_completion_tokens", "max_tokens"),
    ],
)
def test_a_default_with_a_key_of_its_own_is_sent_there(field: str, key: str) -> None:
    assert said_of_model(defaults={field: 1}) == [
        f"`model.k2.defaults.{field}` has a key of its own: `model.k2.{key}`"
    ]


def test_a_default_may_be_a_switch_of_the_host() -> None:
    assert said_of_model(defaults={"thinking": {"type": "disabled"}, "top_p": 0.95}) == []


share = st.floats(0, 1)


@given(cheap=st.tuples(share, share), best=st.tuples(share, share))
def test_the_dial_turns_one_way(cheap: tuple[float, float], best: tuple[float, float]) -> None:
    policy = Policy(
        cheap=Cutoffs(easy=cheap[0], medium=cheap[1]), best=Cutoffs(easy=best[0], medium=best[1])
    )
    turned = cheap[0] > best[0] or cheap[1] > best[1]
    assert bool(list(faults(config(policy=policy)))) == turned
