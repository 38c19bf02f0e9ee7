"""A running router for the tests of whole paths."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.routers import Router, running_router


@pytest.fixture
async def router(tmp_path: Path) -> AsyncIterator[Router]:
    """A router with its defaults and a healthy sandbox behind it."""
    async with running_router(tmp_path) as running:
        yield running
