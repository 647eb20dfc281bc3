"""What goes over a link, against a real store."""

from collections.abc import Sequence

from dnsregistry.storage.cluster.address import read_address
from dnsregistry.storage.cluster.link import Reply, open_link
from dnsregistry.storage.cluster.scripts import load_scripts
from tests.cluster.conftest import Launch

EPOCH = "e"


def _describe(key: str) -> Sequence[object]:
    return (key, "-", 0, "healthy.healthy.-", "{}")


async def test_a_script_that_the_store_has_forgotten_has_no_other_run_twice(launch: Launch) -> None:
    server, scripts = launch("--appendonly", "no"), load_scripts()
    link = await open_link(read_address(server.url), "p")
    try:
        await link.run(scripts.claim, "node", "", 0, -1, EPOCH, 1, "n1")
        await link.run(scripts.put, EPOCH, "n2", *_describe("a"))
        server.command("SCRIPT", "FLUSH")
        # As after a restart, where another node has brought this script alone.
        server.command("SCRIPT", "LOAD", scripts.revoke.text)
        told: list[Reply] = await link.run_all(
            [
                (scripts.revoke, (EPOCH, "n3", "a")),
                (scripts.put, (EPOCH, "n4", *_describe("b"))),
                (scripts.put, (EPOCH, "n5", *_describe("c"))),
            ]
        )
        assert [reply[0] for reply in told] == [b"ok", b"ok", b"ok"]
        assert sorted(server.command("HKEYS", "{p}:held")) == [b"b", b"c"]
    finally:
        await link.close()
