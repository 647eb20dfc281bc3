"""The C libraries' own resolvers, with the page's resolv.conf: glibc and musl."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.machine import require
from tests.resolvers.conftest import Launch, Serve
from tests.resolvers.page import read_snippet
from tests.resolvers.place import MACHINE, Place, open_namespace
from tests.resolvers.served import describe

# getaddrinfo as every program calls it; prints the addresses, or why there are none.
LOOKUP = r"""
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int count, char **argument) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    char text[64];
    if (count != 2)
        return 2;
    int error = getaddrinfo(argument[1], "80", &hints, &found);
    if (error)
        return puts(gai_strerror(error)), 0;
    for (; found; found = found->ai_next) {
        getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, 0, 0, NI_NUMERICHOST);
        puts(text);
    }
}
"""
DENIALS = ("Name or service not known\n", "Name does not resolve\n")
"""glibc's words, and musl's."""
NAMES = {
    "web.registry.test": ["10.0.0.1", "10.0.0.2", "2001:db8::2"],
    "web": ["10.0.0.1", "10.0.0.2", "2001:db8::2"],
    "i1.i.registry.test": ["10.0.0.1"],
}


UPSTREAM = """
no-resolv
no-hosts
no-daemon
bind-interfaces
listen-address=127.0.0.2
pid-file=
host-record=www.example.org,192.0.2.77
local=/org/
"""
COMPILERS = ["cc", "musl-gcc"]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """Where the machine's resolv.conf is the page's."""
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text(read_snippet("resolv.conf"), encoding="utf-8")
    async with open_namespace(mounts=[(resolv_conf, "/etc/resolv.conf")]) as place:
        yield place


@pytest.mark.parametrize("compiler", COMPILERS)
async def test_programs_resolve_services_by_their_c_library(
    place: Place, serve: Serve, tmp_path: Path, compiler: str
) -> None:
    registry = await serve("--dns-port=53", place=place)
    dual = describe("i2", address=["10.0.0.2", "2001:db8::2"])
    await registry.register_all(describe("i1"), dual)
    program = await _compile(compiler, tmp_path)
    for name, addresses in NAMES.items():
        assert sorted((await place.run(program, name)).split()) == addresses
    assert await place.run(program, "db.registry.test") in DENIALS


@pytest.mark.parametrize("compiler", COMPILERS)
async def test_programs_resolve_the_rest_of_the_world_through_upstreams(
    place: Place, serve: Serve, launch: Launch, tmp_path: Path, compiler: str
) -> None:
    configuration = tmp_path / "dnsmasq.conf"
    configuration.write_text(UPSTREAM, encoding="utf-8")
    await launch(require("dnsmasq"), "-C", configuration, place=place)
    registry = await serve("--dns-port=53", "--upstreams=127.0.0.2", place=place)
    await registry.register(describe("i1"))
    program = await _compile(compiler, tmp_path)

    async def resolves() -> bool:
        return (await place.run(program, "www.example.org")).split() == ["192.0.2.77"]

    await registry.program.until(resolves)
    assert await place.run(program, "none.example.org") in DENIALS
    assert (await place.run(program, "web.registry.test")).split() == ["10.0.0.1"]


async def _compile(compiler: str, folder: Path) -> Path:
    source, program = folder / "lookup.c", folder / "lookup"
    source.write_text(LOOKUP, encoding="utf-8")
    await MACHINE.run(require(compiler), "-Wall", "-Werror", "-o", program, source)
    return program
