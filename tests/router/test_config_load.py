"""A file becomes a configuration, or one sentence that says what to mend."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from router.config.load import effective, load
from router.config.schema import Config
from router.domain import ModelId
from router.errors import ConfigError

SOUND = """
[tiers]
easy = ["small"]
medium = ["k2"]
hard = ["thinking", "k2.6"]

[upstream.novita]
base_url = "https://api.novita.test/v3/openai"
key_env = "NOVITA_API_KEY"

[upstream.local]
base_url = "http://127.0.0.1:11434/v1"

[model.small]
upstream = "local"
name = "qwen3:4b"
context = 32768

[model.k2]
upstream = "novita"
name = "moonshotai/kimi-k2-instruct"
context = 131072
temperature = 0.6
temperature_max = 1.0
price = { input = 0.57, output = 2.30, source = "the price page", date = "2026-11-20" }
output_ratio = { value = 1.0, low = 0.8, high = 1.3, source = "an estimate" }

[model.thinking]
upstream = "novita"
name = "moonshotai/kimi-k2-thinking"
context = 262144
reasoning = true
max_tokens = 16000
min_output_tokens = 2000

[model."k2.6"]
upstream = "novita"
name = "kimi-k2.6"
context = 262144
fixed_sampling = true
defaults = { thinking = { type = "disabled" } }

[aliases]
gpt-4o = "auto"
mini = "easy"

[policy]
needs_info_tier = "easy"

[[policy.rule]]
name = "contracts stay on the best"
header = "x-team"
value = "legal"
at_least = "hard"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "router.toml"
    path.write_text(SOUND)
    return path


def refusal(file: Path, old: str, new: str) -> str:
    """What is said of the sound file after `old` became `new`."""
    assert SOUND.count(old) >= 1
    file.write_text(SOUND.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert "\n" not in message
    return message.removeprefix(f"{file}: ")


def added(file: Path, text: str) -> str:
    """What is said of the sound file with `text` before everything else."""
    return refusal(file, "\n[tiers]", f"{text}\n[tiers]")


def test_a_sound_file_is_read_whole(file: Path) -> None:
    config = load(file)
    assert config.tiers["hard"] == ("thinking", "k2.6")
    assert config.model[ModelId("k2.6")].fixed_sampling
    assert config.policy.rule[0].at_least == "hard"
    assert config.server.port == 8080
    assert config.aliases["gpt-4o"] == "auto"


def test_a_path_may_be_text_and_begin_with_the_home_directory(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(file.parent))
    assert load("~/router.toml") == load(str(file))


def test_what_is_shown_can_be_read_back_and_is_the_same(file: Path) -> None:
    config = load(file)
    assert msgspec.json.decode(effective(config), type=Config) == config


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[polcy]\nby = 'label'", "unknown key `polcy`; did you mean `policy`?"),
        ("[server]\nprot = 80", "unknown key `server.prot`; did you mean `server.port`?"),
        ("port = 80", "unknown key `port`; did you mean `server.port`?"),
        (
            "[server]\ntimeout_ms = 80",
            "unknown key `server.timeout_ms`; did you mean `scorer.timeout_ms`?",
        ),
        (
            "[server]\napi_key = 'a'",
            "unknown key `server.api_key`; it is set by the environment variable GEARSHIFT_API_KEY",
        ),
        (
            "redis_url = 'redis://127.0.0.1'",
            "unknown key `redis_url`; it is set by the environment variable GEARSHIFT_REDIS_URL",
        ),
        (
            "[breaker]\nqqq = 1",
            "unknown key `breaker.qqq`; known here: failures, open_ms",
        ),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(
    file: Path, text: str, said: str
) -> None:
    assert added(file, text) == said


def test_unknown_keys_are_found_inside_what_users_name(file: Path) -> None:
    assert (
        refusal(file, "fixed_sampling", "fixed_samplin")
        == 'unknown key `model."k2.6".fixed_samplin`; '
        'did you mean `model."k2.6".fixed_sampling`?'
    )
    assert (
        refusal(file, "at_least", "atleast")
        == "unknown key `policy.rule[0].atleast`; did you mean `policy.rule[0].at_least`?"
    )
    assert (
        refusal(file, "medium = ", "mediun = ")
        == "unknown key `tiers.mediun`; did you mean `tiers.medium`?"
    )
    assert refusal(file, "low =", "lo =").endswith("did you mean `model.k2.output_ratio.low`?")


def test_a_secret_in_the_file_is_refused_and_not_repeated(file: Path) -> None:
    said = refusal(file, 'key_env = "NOVITA_API_KEY"', 'api_key = "sk-123"')
    assert said == (
        "unknown key `upstream.novita.api_key`; "
        "secrets are never in the file: name their variable in `key_env`"
    )
    said = refusal(file, "NOVITA_API_KEY", "sk-123")
    assert said.startswith("`upstream.novita.key_env` is the name of an environment variable")
    assert "sk-123" not in said
    said = refusal(file, "https://api", "https://me:hush@api")
    assert said.startswith("`upstream.novita.base_url` holds credentials")
    assert "hush" not in said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("context = 131072", "context = 'big'", "`model.k2.context`: expected `int`, got `str`"),
        ("context = 131072", "context = 0", "`model.k2.context`: expected `int` >= 1"),
        ("context = 131072", "", "`model.k2` lacks `context`"),
        ('easy = ["small"]', 'easy = "small"', "`tiers.easy`: expected `array`, got `str`"),
        ('easy = ["small"]', "easy = [1]", "`tiers.easy[0]`: expected `str`, got `int`"),
        (
            'needs_info_tier = "easy"',
            'needs_info_tier = "meduim"',
            (
                "`policy.needs_info_tier` is 'meduim'; it is one of easy, medium, hard; "
                "did you mean `medium`?"
            ),
        ),
        (
            '"2026-11-20"',
            "2026-11-20",
            "`model.k2.price.date`: expected `str`, got `date`; put it in quotes",
        ),
        ("fixed_sampling = true", "modalities = ['image', 'smell']", '`model."k2.6".modalities[1]'),
        ("value = 1.0", "value = -1.0", "`model.k2.output_ratio.value`: expected `float` >= 0.001"),
    ],
)
def test_a_wrong_value_is_named_with_its_whole_path(
    file: Path, old: str, new: str, said: str
) -> None:
    assert refusal(file, old, new).startswith(said)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("temperature = 0.6", "temperature = nan", "model.k2.temperature"),
        ("temperature_max = 1.0", "temperature_max = inf", "model.k2.temperature_max"),
        ("input = 0.57", "input = inf", "model.k2.price.input"),
        ("value = 1.0", "value = nan", "model.k2.output_ratio.value"),
        ('type = "disabled"', "top_p = nan", 'model."k2.6".defaults.thinking.top_p'),
        ('type = "disabled"', "top_p = [1, -inf]", 'model."k2.6".defaults.thinking.top_p[1]'),
        ('type = "disabled"', f"seed = {2**63}", 'model."k2.6".defaults.thinking.seed'),
        ("context = 131072", f"context = {10**40}", "model.k2.context"),
        ("[policy]", "[policy]\ncheap = { easy = nan, medium = 0.1 }", "policy.cheap.easy"),
    ],
)
def test_a_number_that_json_cannot_carry_is_named(
    file: Path, old: str, new: str, path: str
) -> None:
    assert refusal(file, old, new) == f"`{path}` is no finite number below 2^63"


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("context = 131072", "context = 1_000_000_001", "model.k2.context"),
        ("input = 0.57", "input = 1e300", "model.k2.price.input"),
        ("low = 0.8", "low = 1e-300", "model.k2.output_ratio.low"),
        ("temperature_max = 1.0", "temperature_max = -1.0", "model.k2.temperature_max"),
    ],
)
def test_a_number_beyond_all_sense_is_named(file: Path, old: str, new: str, path: str) -> None:
    assert refusal(file, old, new).startswith(f"`{path}`: expected")


def test_a_name_with_a_line_break_is_told_in_one_line(file: Path) -> None:
    file.write_text(SOUND.replace('"k2.6"', '"k2\\r\\nx-evil: 1"'))
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(caught.value).startswith(rf'{file}: `model."k2\r\nx-evil: 1"` is no name')
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_without_models_says_what_is_missing(file: Path) -> None:
    file.write_text("")
    with pytest.raises(ConfigError, match=r"router\.toml: `tiers` is missing$"):
        load(file)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: there is no such file"):
        load(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory"):
        load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"a = '\xe9'")
    with pytest.raises(ConfigError, match=r"latin\.toml: the file is not UTF-8 \(byte 5\)"):
        load(tmp_path / "latin.toml")


def test_broken_toml_is_named_with_line_and_column(file: Path) -> None:
    file.write_text("[tiers]\neasy = [\n")
    with pytest.raises(
        ConfigError, match=r"not valid TOML: .*line \d+, column \d+|end of document"
    ):
        load(file)
    file.write_text("[tiers]\neasy = = 1\n")
    with pytest.raises(ConfigError, match=r"not valid TOML: .*\(at line 2, column 8\)"):
        load(file)


def test_a_file_cannot_declare_itself_simulated(file: Path) -> None:
    assert added(file, "simulated = true").startswith("`simulated` is no setting")


def test_the_sound_file_holds_what_the_refusals_replace() -> None:
    assert set(tomllib.loads(SOUND)) == {"tiers", "upstream", "model", "aliases", "policy"}
