"""`gearshift judge`, as it is typed, against a host on this machine."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from router.cli.judge import judge
from router.errors import ConfigError, GearshiftError, LedgerError
from router.ledger.place import place
from router.ledger.store import Store
from router.traffic.lessons import rows_from_ledger
from tests.ledgers import open_spool
from tests.traffic import asked

FILE = """
[tiers]
easy = ["small"]
medium = ["small"]
hard = ["small"]
[upstream.host]
base_url = "{url}"
[model.small]
upstream = "host"
name = "small"
context = 32768
[model.wise]
upstream = "host"
name = "wise-1"
context = 32768
{price}
[judge]
{judge}
"""
PRICE = """[model.wise.price]
input = 1.0
output = 2.0
source = "a test"
date = "2026-11-25"
"""


class Host:
    """Labels a prompt hard where it asks for a proof, else easy."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                received.append(body)
                label = "hard" if b"Prove" in body else "easy"
                content = msgspec.json.encode({"label": label, "reason": "so"}).decode()
                answer = msgspec.json.encode(
                    {
                        "choices": [{"message": {"content": content}, "finish_reason": "stop"}],
                        "usage": {"prompt_tokens": 500, "completion_tokens": 20},
                    }
                )
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"


@pytest.fixture
def host() -> Iterator[Host]:
    running = Host()
    thread = threading.Thread(target=running.server.serve_forever)
    thread.start()
    yield running
    running.server.shutdown()
    thread.join()
    running.server.server_close()


def written(
    folder: Path, url: str, said: str = 'model = "wise"\nshare = 1.0', price: str = PRICE
) -> str:
    path = folder / "router.toml"
    path.write_text(FILE.format(url=url, judge=said, price=price))
    return str(path)


def ask(home: Path, *words: str) -> Result:
    environ = {"GEARSHIFT_DATA_DIR": str(home), "GEARSHIFT_LEDGER_URL": ""}
    return CliRunner(env=environ).invoke(judge, list(words))


def keep(folder: Path, *texts: str) -> None:
    spool = open_spool(place(str(folder)))
    for n, text in enumerate(texts):
        spool.record(replace(asked(n, text), at_us=time.time_ns() // 1_000 - 10_000_000 + n))
    spool.close()


TEXTS = ("Prove that pi is irrational.", "Say hello.", "Name a river.")


def test_labels_are_stored_and_teach_and_are_not_asked_for_again(
    tmp_path: Path, host: Host
) -> None:
    keep(tmp_path, *TEXTS)
    file = written(tmp_path, host.url)
    done = ask(tmp_path, "--config", file)
    assert done.exit_code == 0, done.output
    assert "3 prompts for wise: about" in done.stdout
    assert "the budget is 1.0000 USD" in done.stdout
    assert "3 labels (easy 2, hard 1)" in done.stdout
    assert f"{3 * 540 / 10**6:.4f} USD was spent" in done.stdout
    rows = rows_from_ledger(place(str(tmp_path)))
    assert {row.prompt: row.label for row in rows} == dict(
        zip(TEXTS, ("hard", "easy", "easy"), strict=True)
    )
    again = ask(tmp_path, "--config", file)
    assert again.exit_code == 0
    assert "Nothing to judge" in again.stdout
    assert len(host.received) == 3


def test_a_dry_run_says_what_it_would_cost_and_sends_nothing(tmp_path: Path, host: Host) -> None:
    keep(tmp_path, *TEXTS)
    done = ask(tmp_path, "--dry-run", "--limit", "2", "--config", written(tmp_path, host.url))
    assert done.exit_code == 0
    assert "2 prompts" in done.stdout
    assert host.received == []
    store = Store(place(str(tmp_path)))
    assert list(store.feedback()) == []
    store.close()


def test_without_a_judge_it_says_how_to_name_one(tmp_path: Path) -> None:
    done = ask(tmp_path, "--config", written(tmp_path, "http://127.0.0.1:1/v1", said=""))
    assert isinstance(done.exception, GearshiftError)
    assert "judge.model" in str(done.exception)


def test_a_judge_without_a_price_is_refused(tmp_path: Path, host: Host) -> None:
    keep(tmp_path, *TEXTS)
    done = ask(tmp_path, "--config", written(tmp_path, host.url, price=""))
    assert isinstance(done.exception, GearshiftError)
    assert "price" in str(done.exception)
    assert host.received == []


def test_a_host_that_is_down_ends_in_one_plain_error(tmp_path: Path) -> None:
    keep(tmp_path, *TEXTS)
    done = ask(tmp_path, "--config", written(tmp_path, "http://127.0.0.1:1/v1"))
    assert isinstance(done.exception, GearshiftError)
    assert "3 requests failed" in done.stderr
    assert "no label" in str(done.exception)


def test_without_a_ledger_it_says_so(tmp_path: Path, host: Host) -> None:
    done = ask(tmp_path / "none", "--config", written(tmp_path, host.url))
    assert isinstance(done.exception, LedgerError)


def test_an_unknown_model_is_a_fault_of_the_file(tmp_path: Path, host: Host) -> None:
    done = ask(tmp_path, "--config", written(tmp_path, host.url, said='model = "wize"'))
    assert isinstance(done.exception, ConfigError)
