"""What goes over a link, against a real store."""

from collections.abc import Sequence

from dnsregistry.storage.cluster.address import read_address
from dnsregistry.storage.cluster.link import Reply, open_link
from dnsregistry.storage.cluster.scripts import load_scripts
from tests.cluster.conftest import Launch

EPOCH = "e"


def _describe(key: str) -> Sequence[object]:
    return (key, "-", 0, "healthy.healthy.-.-", "", "{}")


async def test_a_script_that_the_store_has_forgotten_has_no_other_run_twice(launch: Launch) -> None:
    server, scripts = launch("--appendonly", "no"), load_scripts()
    link = await open_link(read_address(server.url), "p")
    try:
        await link.run(scripts.claim, "node", "", 0, -1, EPOCH, 1, "n1")
        await link.run(scripts.put, EPOCH, "n2", "", *_describe("a"))
        server.command("SCRIPT", "FLUSH")
        # As after a restart, where another node has brought this script alone.
        server.command("SCRIPT", "LOAD", scripts.revoke.text)
        told: list[Reply] = await link.run_all(
            [
                (scripts.revoke, (EPOCH, "n3", "a", "")),
                (scripts.put, (EPOCH, "n4", "", *_describe("b"))),
                (scripts.put, (EPOCH, "n5", "", *_describe("c"))),
            ]
        )
        assert [reply[0] for reply in told] == [b"ok", b"ok", b"ok"]
        assert sorted(server.command("HKEYS", "{p}:held")) == [b"b", b"c"]
    finally:
        await link.close()


async def test_a_request_that_comes_again_is_not_held_against_what_it_did(launch: Launch) -> None:
    """Its answer was lost: what it expected is no longer so, by its own doing."""
    server, scripts = launch("--appendonly", "no"), load_scripts()
    link = await open_link(read_address(server.url), "p")
    try:
        await link.run(scripts.claim, "node", "", 0, -1, EPOCH, 1, "n1")
        revisions: list[int] = []
        for nonce, expected, body in (("n2", "-", "{1}"), ("n3", None, "{2}")):
            expected = expected or f",{revisions[-1]},"
            words = (EPOCH, nonce, expected, *_describe("a")[:-1], body)
            first = await link.run(scripts.put, *words)
            again = await link.run(scripts.put, *words)
            assert (first[0], first[2:]) == (b"ok", again[2:])
            revisions.append(first[2])
        words = (EPOCH, "n4", "a", "status", "draining", f",{revisions[-1]},")
        first = await link.run(scripts.status, *words)
        assert (await link.run(scripts.status, *words))[2] == first[2] > revisions[-1]
        other = await link.run(scripts.status, EPOCH, "n5", *words[2:])
        assert (other[0], other[2]) == (b"differs", first[2])
    finally:
        await link.close()
