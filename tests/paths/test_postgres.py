"""PostgreSQL as the ledger's store, through the whole service."""

from pathlib import Path

import msgspec

from tests.ledgers import postgres
from tests.processes import gearshift, served


def embedded(data_dir: Path) -> list[Path]:
    return list(data_dir.glob("*.sqlite3*"))


async def test_the_report_is_the_same_from_postgresql(tmp_path: Path) -> None:
    with postgres() as url:
        async with served(tmp_path, GEARSHIFT_LEDGER_URL=url) as router:
            for n in range(5):
                assert (await router.chat(f"hello {n}")).status_code == 200
            assert await router.end() == 0
        done = gearshift(tmp_path, "report", "--format", "json", GEARSHIFT_LEDGER_URL=url)
        assert done.returncode == 0, done.stderr
        assert msgspec.json.decode(done.stdout)["requests"] == 5
    assert not embedded(tmp_path)
