"""The files that others wrote are those that are pinned, and nothing is fetched from elsewhere."""

import gzip
import re

import pytest

from router.api.dashboard import assets
from scripts import bundle

OURS = ("dashboard.css", "dashboard.js", "icon.svg")


def test_the_committed_libraries_are_those_that_are_pinned() -> None:
    assert bundle.changed() == []
    assert set(bundle.DIGESTS) | set(OURS) == set(assets.names())


def test_vega_is_what_its_package_makes() -> None:
    assert bundle.vega() == (bundle.FOLDER / "vega.js").read_bytes()


@pytest.mark.parametrize("name", OURS)
def test_our_own_files_name_no_other_host(name: str) -> None:
    text = (assets.FOLDER / name).read_text()
    addresses = re.findall(r"https?://[^\s\"')]+|url\(|@import|import\(", text)
    assert addresses in ([], ["http://www.w3.org/2000/svg"])


@pytest.mark.parametrize("name", sorted(assets.names()))
def test_both_forms_are_the_same_file(name: str) -> None:
    found = assets.asset(name)
    assert gzip.decompress(found.packed) == found.plain == (assets.FOLDER / name).read_bytes()
    assert assets.address(name).endswith(f"?v={found.digest}")


def test_only_the_present_version_is_kept_forever() -> None:
    found = assets.asset("dashboard.css")
    assert "immutable" in assets.cache_control(found, found.digest)
    assert assets.cache_control(found, "0123456789abcdef") == "no-cache"
    assert assets.cache_control(found, None) == "no-cache"
