"""Peers to be scanned."""

from collections.abc import AsyncIterator

import pytest

from tests.scan.peers import Peers


@pytest.fixture
async def peers() -> AsyncIterator[Peers]:
    started = Peers()
    yield started
    await started.close()
