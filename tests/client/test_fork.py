"""Programs that fork with a registration or a client in them."""

import asyncio
import sys
from asyncio.subprocess import PIPE

from tests.program import PATIENCE, Program

TERMINATED = """
import multiprocessing, os, signal, sys, time
from dnsregistry.client.sync import Registration

def serve(pipe):
    pipe.send("ready")
    time.sleep(3600)

with Registration("web", port=1, url=sys.argv[1]):
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    child = fork.Process(target=serve, args=(theirs,))
    child.start()
    ours.recv()
    child.terminate()
    child.join(10)
    print(child.exitcode)
    if child.is_alive():
        child.kill()
"""
USED = """
import os, sys
from dnsregistry.client.sync import Client

with Client(sys.argv[1]) as client:
    client.services()
    if os.fork() == 0:
        try:
            client.services()
        except RuntimeError as error:
            print(error, flush=True)
        os._exit(0)
    os.wait()
    print(len(client.services()))
"""
MADE_ANEW = """
import gc, os, sys
from dnsregistry.client.sync import Client

client = Client(sys.argv[1], timeout=5)
client.services()
if os.fork() == 0:
    client = Client(sys.argv[1])
    gc.collect()
    print(len(client.services()), flush=True)
    client.close()
    os._exit(0)
os.wait()
print(len(client.services()))
client.close()
"""


async def _run(text: str, url: str) -> list[str]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", text, url, stdout=PIPE)
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    return out.decode().splitlines()


async def test_a_forked_child_ends_by_sigterm(house: Program) -> None:
    assert await _run(TERMINATED, house.url) == ["-15"]


async def test_a_client_that_was_used_before_the_fork_says_so(house: Program) -> None:
    told = await _run(USED, house.url)
    assert told == ["it was used before the fork; make another one in the child", "1"]


async def test_a_client_that_is_made_anew_in_the_child_takes_nothing_from_the_parent(
    house: Program,
) -> None:
    assert await _run(MADE_ANEW, house.url) == ["1", "1"]
