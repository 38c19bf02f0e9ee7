"""The service as a process: killed, multiplied, with a full disk, and told to stop."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import msgspec
import pytest

from router.divergence import ALARM
from router.domain import Entry
from router.ledger.place import place
from router.ledger.store import Store
from tests.processes import Process, environ, gearshift, served
from tests.waiting import until


def stored(data_dir: Path) -> list[Entry]:
    store = Store(place(str(data_dir)))
    try:
        return list(store.entries())
    finally:
        store.close()


def files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


async def ask_until_gone(router: Process, whole: list[str], name: str) -> None:
    """Ask one question after the other; keep the decision of each answer that came whole."""
    n = 0
    with contextlib.suppress(httpx.TransportError):
        while True:
            n += 1
            streamed = n % 2 == 0
            response = await router.chat(f"question {n} of {name}", stream=streamed)
            complete = not streamed or response.text.endswith("data: [DONE]\n\n")
            if response.status_code == 200 and complete:
                whole.append(response.headers["x-gearshift-decision"])


async def test_after_a_kill_every_answer_that_came_whole_has_its_entry(tmp_path: Path) -> None:
    whole: list[str] = []
    async with served(tmp_path) as router:
        asking = [asyncio.create_task(ask_until_gone(router, whole, str(k))) for k in range(4)]
        await until(lambda: len(whole) >= 40)
        await router.end(signal.SIGKILL)
        await asyncio.gather(*asking)
    async with served(tmp_path) as router:
        await until(lambda: set(whole) <= {entry.id for entry in stored(tmp_path)})
    ids = [entry.id for entry in stored(tmp_path)]
    assert len(ids) == len(set(ids))


async def test_the_report_counts_what_was_answered(tmp_path: Path) -> None:
    async with served(tmp_path) as router:
        for n in range(7):
            assert (await router.chat(f"hello {n}")).status_code == 200
        assert await router.end() == 0
    done = gearshift(tmp_path, "report", "--format", "json")
    report = msgspec.json.decode(done.stdout)
    assert done.returncode == 0, done.stderr
    assert report["requests"] == 7
    assert report["simulated"] is True
    assert report["cost_usd"] > 0
    assert set(report["controls"]) == {"always_hard", "always_medium", "always_easy"}


def metric(text: str, name: str) -> list[float]:
    """Values of a metric in the exposition text, whatever its labels."""
    lines = [line for line in text.splitlines() if line.startswith(name)]
    return [float(line.rpartition(" ")[2]) for line in lines]


async def test_two_workers_share_the_ledger_and_add_up_their_metrics(tmp_path: Path) -> None:
    async with served(tmp_path, "--workers", "2") as router:
        await until(lambda: len(router.workers()) == 2)

        async def ask(n: int) -> str:
            # A connection of its own each time, so that both workers get some.
            async with httpx.AsyncClient(base_url=router.url, timeout=20) as http:
                body = {"model": "auto", "messages": [{"role": "user", "content": f"hi {n}"}]}
                response = await http.post("/v1/chat/completions", json=body)
                return response.headers["x-gearshift-decision"]

        ids = await asyncio.gather(*(ask(n) for n in range(120)))
        await until(lambda: set(ids) <= {entry.id for entry in stored(tmp_path)})
        for _ in range(4):
            text = (await router.http.get("/metrics")).text
            counted = metric(text, "gearshift_requests_total")
            assert sum(counted) == 120, "whichever worker is scraped answers for all"
        text = ""
        # Each worker writes its own gauges down, once a second.
        while sum(metric(text, "gearshift_recent_labels")) < 120:
            text = (await router.http.get("/metrics")).text
        (drift,) = metric(text, "gearshift_label_drift")
        assert drift > ALARM, "greetings alone are another mix than that of training"


async def test_a_killed_worker_is_replaced_and_nothing_it_recorded_is_lost(tmp_path: Path) -> None:
    async with served(tmp_path, "--workers", "2") as router:
        await until(lambda: len(router.workers()) == 2)
        ids = [(await router.chat(f"hi {n}")).headers["x-gearshift-decision"] for n in range(6)]
        victim = router.workers()[0]
        os.kill(victim, signal.SIGKILL)
        await until(lambda: victim not in router.workers() and len(router.workers()) == 2)
        async with httpx.AsyncClient(base_url=router.url, timeout=20) as http:
            body = {"model": "auto", "messages": [{"role": "user", "content": "after"}]}
            after = await http.post("/v1/chat/completions", json=body)
        ids.append(after.headers["x-gearshift-decision"])
        await until(lambda: set(ids) <= {entry.id for entry in stored(tmp_path)})


async def test_with_a_full_disk_the_service_goes_on_and_says_so(tmp_path: Path) -> None:
    async with served(tmp_path) as router:
        assert await router.end() == 0
    # Files of this process cannot grow beyond 50 KB: to the spool that is a full disk.
    limited = ("/bin/sh", "-c", 'ulimit -f 100 && exec "$@"', "sh")
    async with served(tmp_path, prefix=limited) as router:
        for n in range(120):
            assert (await router.chat(f"hello {n}", model="gearshift/easy")).status_code == 200
        ready = await router.http.get("/health/ready")
        assert ready.status_code == 200
        assert ready.json()["status"] == "degraded"
        assert ready.json()["reasons"]


async def test_told_to_stop_it_ends_running_streams_first(tmp_path: Path) -> None:
    async with served(tmp_path) as router:
        body = {
            "model": "gearshift/hard",
            "stream": True,
            "messages": [{"role": "user", "content": "[[sandbox:delay_ms=300]] tell me all"}],
        }
        async with router.http.stream("POST", "/v1/chat/completions", json=body) as response:
            router.process.send_signal(signal.SIGTERM)
            text = "".join([piece async for piece in response.aiter_text()])
        assert text.endswith("data: [DONE]\n\n")
        assert await router.process.wait() == 0
    assert len(stored(tmp_path)) == 1


def test_a_busy_port_is_named(tmp_path: Path) -> None:
    async def busy() -> tuple[int, str]:
        server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
        port = str(server.sockets[0].getsockname()[1])
        done = await asyncio.to_thread(gearshift, tmp_path, "serve", "--port", port)
        server.close()
        assert port in done.stderr
        return done.returncode, done.stderr

    code, said = asyncio.run(busy())
    assert code == 1
    assert "--port" in said
    assert len(said.splitlines()) == 1


def test_listening_to_the_world_without_keys_is_refused(tmp_path: Path) -> None:
    done = gearshift(tmp_path, "serve", "--host", "0.0.0.0")
    assert done.returncode == 1
    assert "GEARSHIFT_API_KEY" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_key_of_another_provider_than_the_preset_s_stops_the_start(tmp_path: Path) -> None:
    done = gearshift(tmp_path, "serve", MOONSHOT_API_KEY="sk-test")
    assert done.returncode == 1
    assert "NOVITA_API_KEY" in done.stderr
    assert "sk-test" not in done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_address_of_redis_that_cannot_be_read_stops_the_start(
    tmp_path: Path, workers: str
) -> None:
    done = gearshift(
        tmp_path, "serve", "--port", "0", "--workers", workers, GEARSHIFT_REDIS_URL="foo"
    )
    assert done.returncode == 1
    assert "GEARSHIFT_REDIS_URL" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_upstream_s_address_that_its_library_refuses_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(
        '[tiers]\neasy = ["a"]\nmedium = ["a"]\nhard = ["a"]\n'
        '[upstream.u]\nbase_url = "http://999.999.1.1/v1"\n'
        '[model.a]\nupstream = "u"\nname = "a"\ncontext = 1000\n'
    )
    done = gearshift(tmp_path, "serve", "--port", "0", "--config", str(file))
    assert done.returncode == 1
    assert "`upstream.u` cannot be used" in done.stderr
    assert len(done.stderr.splitlines()) == 1


_UNREHEARSED = """
import sys
import msgspec
from router.cli.serve import listen, run
from router.config.load import Settings
from router.config.schema import Environment, Server
from router.sandbox.profile import sandbox_config

server = Server(port=0, workers=int(sys.argv[2]))
run(
    Settings(
        config=msgspec.structs.replace(sandbox_config(), server=server),
        environment=Environment(data_dir=sys.argv[1], redis_url="foo"),
        origin="sandbox",
    ),
    listen(server),
)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_what_goes_wrong_only_in_a_worker_is_said_and_is_no_success(
    tmp_path: Path, workers: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _UNREHEARSED, str(tmp_path), str(workers)],
        env=environ(tmp_path, PROMETHEUS_MULTIPROC_DIR=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode not in {0, -signal.SIGKILL}
    assert "GEARSHIFT_REDIS_URL cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_workers_that_are_told_to_stop_end_well(tmp_path: Path, how: signal.Signals) -> None:
    async with served(tmp_path, "--workers", "2") as router:
        await until(lambda: len(router.workers()) == 2)
        assert await router.end(how) == 0


async def test_a_key_in_another_script_opens_the_door(tmp_path: Path) -> None:
    async with served(tmp_path, GEARSHIFT_API_KEY="sk-schlüsselà") as router:
        shown = {b"authorization": "Bearer sk-schlüsselà".encode()}
        assert (await router.http.get("/v1/models", headers=shown)).status_code == 200
        assert (await router.http.get("/v1/models")).status_code == 401


async def test_with_keys_the_doors_are_locked(tmp_path: Path) -> None:
    api, admin = ({"authorization": f"Bearer {key}"} for key in ("sk-api", "sk-admin"))
    async with served(
        tmp_path, GEARSHIFT_API_KEY="sk-api", GEARSHIFT_ADMIN_KEY="sk-admin"
    ) as router:
        for path in ("/v1/models", "/metrics"):
            assert (await router.http.get(path)).status_code == 401
        assert (await router.chat("hi")).status_code == 401
        assert (await router.http.get("/v1/models", headers=api)).status_code == 200
        assert (await router.http.get("/metrics", headers=api)).status_code == 401
        assert (await router.http.get("/metrics", headers=admin)).status_code == 200
        assert (await router.http.get("/health/ready")).status_code == 200
    assert not any(b"sk-api" in line or b"sk-admin" in line for line in router.log)


async def test_no_prompt_is_in_the_log_the_ledger_or_the_spool(tmp_path: Path) -> None:
    secret = "the walrus hums at midnight"
    async with served(tmp_path) as router:
        await router.chat(secret)
        await router.chat(f"{secret} [[sandbox:fault=server]]")
        await router.chat(secret, max_tokens=-1)
        await router.end()
    assert not any(secret.encode() in line for line in router.log)
    kept = [file for file in files(tmp_path) if secret.encode() in file.read_bytes()]
    assert not kept
