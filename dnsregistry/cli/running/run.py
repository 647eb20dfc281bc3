"""What happens when: the program starts, its port opens, it is registered, somebody ends it."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass

from dnsregistry.cli.running.child import Child
from dnsregistry.cli.running.door import LOOPBACK, Door
from dnsregistry.client.errors import Refused, RegistryAway
from dnsregistry.client.local import find_local_address
from dnsregistry.client.registration import LEAVE_SECONDS, Registration

NEVER_OPENED = 124
REFUSED = 125
FIND_SECONDS = 2.0
"""For the registry's host to be found: DNS that is away keeps no program from starting."""
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
PASSED = (*ENDING, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH)

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: until the port must be open, and until a program that is told to end is killed."""

    start: float
    grace: float


class Run:
    """One run of a program. `tell` has people read a sentence."""

    def __init__(
        self, child: Child, registration: Registration, patience: Patience, tell: Tell
    ) -> None:
        self._child = child
        self._registration = registration
        self._patience = patience
        self._tell = tell
        self._code: int | None = None
        self._registering: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._has_begun = False

    async def run(self) -> int:
        """Run it to its end; the exit code. Raises OSError where it cannot be started."""
        loop = asyncio.get_running_loop()
        door = await self._find_door()
        if self._has_door and await door.is_open():
            self._tell(f"something accepts at {door} already, and may be what is registered")
        # What is ignored already, as by nohup, stays so.
        passed = [n for n in PASSED if signal.getsignal(n) is not signal.SIG_IGN]
        for number in passed:
            loop.add_signal_handler(number, self._take, number)
        try:
            self._child.start()
            self._registering = asyncio.create_task(self._register(door), name="registering")
            code = await self._child.ended
            await self._leave()
            await self._child.sweep(self._patience.grace)
            return code if self._code is None else self._code
        finally:
            self._child.close()
            for number in passed:
                loop.remove_signal_handler(number)

    @property
    def _has_door(self) -> bool:
        # Whether anybody listens by another protocol cannot be seen from outside.
        protocol = self._registration.description.others.get("protocol", "tcp")
        return str(protocol).lower() == "tcp"

    async def _find_door(self) -> Door:
        description = self._registration.description
        given = description.address
        if given is not None:
            address = given if isinstance(given, str) else given[0]
            return Door(address, description.port, others=True)
        try:
            url = self._registration.client.addresses.first
            async with asyncio.timeout(FIND_SECONDS):
                return Door(await find_local_address(url), description.port, others=False)
        except (RegistryAway, TimeoutError):
            return Door(LOOPBACK[0], description.port, others=True)

    async def _register(self, door: Door) -> None:
        try:
            async with asyncio.timeout(self._patience.start):
                if self._has_door:
                    await door.wait_open()
        except TimeoutError:
            await self._give_up_waiting(door)
            return
        self._has_begun = True
        try:
            await self._registration.start()
        except Refused as refused:
            url = self._registration.client.addresses.first
            self._tell(f"{url} refuses the registration: {refused}")
            await self._give_up(REFUSED)

    async def _give_up_waiting(self, door: Door) -> None:
        elsewhere = await door.find_other()
        hint = f"; {elsewhere} does: listen on all addresses, or give --address"
        self._tell(
            f"nothing accepts at {door} after {self._patience.start:g} s"
            + (hint if elsewhere else "; --start-timeout gives it longer")
        )
        await self._give_up(NEVER_OPENED)

    async def _give_up(self, code: int) -> None:
        if self._ending is None:
            self._code = code
            await self._end_child(signal.SIGTERM)

    def _take(self, number: int) -> None:
        """A signal for us is one for the program; one that ends it comes after draining."""
        if number not in ENDING or self._ending is not None:
            self._child.send(number)
        else:
            self._ending = asyncio.create_task(self._end(number), name="ending")

    async def _end(self, number: int) -> None:
        draining = asyncio.create_task(self._registration.drain(), name="draining")
        await asyncio.wait((draining, self._child.ended), return_when=asyncio.FIRST_COMPLETED)
        if not draining.done():
            draining.cancel()
        await self._end_child(number)

    async def _end_child(self, number: int) -> None:
        if await self._child.end(number, self._patience.grace):
            name = signal.Signals(number).name
            self._tell(f"killed: it went on for {self._patience.grace:g} s after {name}")

    async def _leave(self) -> None:
        """Deregister, whatever is under way; takes some seconds at most."""
        tasks = [task for task in (self._registering, self._ending) if task is not None]
        if self._registering is not None and self._code is None:
            # A registration that is on its way sees to it that it does not arrive after its end.
            self._registering.cancel()
        await asyncio.wait(tasks, timeout=LEAVE_SECONDS)
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                self._tell(f"{type(outcome).__name__}: {outcome}")
        await self._registration.leave()
