"""SIGTERM in the process of the tests: who gets it, and when."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from dnsregistry.client import Registration
from dnsregistry.client.sync import Registration as SyncRegistration
from dnsregistry.client.terminate import Termination
from tests.client.conftest import House
from tests.dialects.spoken import wait_until


class Owner:
    """A handler as a server has it."""

    def __init__(self) -> None:
        self.got = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.got += 1


@pytest.fixture
def owner() -> Iterator[Owner]:
    owner = Owner()
    before = signal.signal(signal.SIGTERM, owner)
    yield owner
    signal.signal(signal.SIGTERM, before)


async def test_the_owner_gets_it_once_the_instance_is_drained(place: House, owner: Owner) -> None:
    await place.open()
    async with Registration("web", port=1, url=place.url, drain=0.2):
        os.kill(os.getpid(), signal.SIGTERM)
        await wait_until(lambda: place.statuses() == ["draining"])
        assert owner.got == 0
        await wait_until(lambda: owner.got == 1)
        assert place.statuses() == ["draining"]
    assert place.ids() == []
    assert signal.getsignal(signal.SIGTERM) is owner


async def test_the_second_one_is_passed_on_at_once(place: House, owner: Owner) -> None:
    await place.open()
    registration = Registration("web", port=1, url=place.url, drain=3600)
    await registration.start()
    os.kill(os.getpid(), signal.SIGTERM)
    await wait_until(lambda: place.statuses() == ["draining"])
    assert owner.got == 0
    os.kill(os.getpid(), signal.SIGTERM)
    await wait_until(lambda: owner.got == 1)
    await registration.leave()
    await registration.stop()
    assert signal.getsignal(signal.SIGTERM) is owner


async def test_a_registry_that_is_away_does_not_hold_the_signal_up(
    place: House, owner: Owner
) -> None:
    program = await place.open()
    registration = Registration("web", port=1, url=place.url, drain=3600)
    await registration.start()
    await program.stop()
    os.kill(os.getpid(), signal.SIGTERM)
    await wait_until(lambda: owner.got == 1)
    await registration.stop()


async def test_from_a_thread_the_owner_gets_it_in_the_main_one(place: House, owner: Owner) -> None:
    await place.open()
    registration = SyncRegistration("web", port=1, url=place.url, drain=0.1)
    # The registry is served by this thread's loop: it must not wait for the other.
    registration._inner.catch_sigterm(registration._thread.loop())
    registration._on_sigterm = False
    await asyncio.to_thread(registration.start)
    os.kill(os.getpid(), signal.SIGTERM)
    await wait_until(lambda: owner.got == 1)
    assert place.statuses() == ["draining"]
    await asyncio.to_thread(registration.stop)
    registration._inner.release_sigterm()
    assert place.ids() == []
    assert signal.getsignal(signal.SIGTERM) is owner


async def test_two_registrations_each_drain_before_the_owner(place: House, owner: Owner) -> None:
    await place.open()
    async with (
        Registration("web", port=1, url=place.url),
        Registration("api", port=2, url=place.url),
    ):
        os.kill(os.getpid(), signal.SIGTERM)
        await wait_until(lambda: owner.got == 1)
        assert place.statuses() == ["draining", "draining"]
    assert signal.getsignal(signal.SIGTERM) is owner


async def test_an_event_loop_s_handler_and_one_that_is_ignored_are_left_alone() -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: None)
    assert not Termination(lambda: True).install()
    loop.remove_signal_handler(signal.SIGTERM)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert not Termination(lambda: True).install()
    signal.signal(signal.SIGTERM, before)


async def test_the_owner_gets_it_where_the_loop_has_ended(owner: Owner, place: House) -> None:
    registration = Registration("web", port=1, url=place.url)
    ended = asyncio.new_event_loop()
    ended.close()
    registration.catch_sigterm(ended)
    os.kill(os.getpid(), signal.SIGTERM)
    await wait_until(lambda: owner.got == 1)
    registration.release_sigterm()


async def test_another_thread_installs_nothing() -> None:
    assert not await asyncio.to_thread(Termination(lambda: True).install)
