"""What server this is, for those who may know."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from dnsregistry.answers.answer import REFUSED
from dnsregistry.answers.protocol import Rcode, RRClass
from dnsregistry.zone.lookup import NotOurs
from dnsregistry.zone.rdata import TXT

if TYPE_CHECKING:
    from tests.answers.conftest import House

VERSION, SERVER = ("version.bind.", "VERSION.Server."), ("id.server.", "hostname.bind.")


@pytest.mark.parametrize(
    ("name", "text"), [(n, b"dnsregistry 1") for n in VERSION] + [(n, b"node-1") for n in SERVER]
)
def test_what_its_owner_tells_is_told(build: Callable[..., House], name: str, text: bytes) -> None:
    answer = build(version="dnsregistry 1", server_id="node-1").decide(name, "TXT", RRClass.CH)
    assert (answer.rcode, answer.authoritative, answer.authority) == (Rcode.NOERROR, True, ())
    (rrset,) = answer.answer
    assert (str(rrset.owner), rrset.ttl) == (name.lower(), 0)
    assert rrset.rdatas == (TXT((text,)),)


@pytest.mark.parametrize(("version", "server_id"), [(None, None), ("", "")])
def test_what_its_owner_keeps_is_refused(
    build: Callable[..., House], version: str | None, server_id: str | None
) -> None:
    house = build(version=version, server_id=server_id)
    for name in VERSION + SERVER:
        assert house.decide(name, "TXT", RRClass.CH) == REFUSED


def test_nothing_else_is_in_that_class(build: Callable[..., House]) -> None:
    house = build(version="1", server_id="node-1")
    house.add("a")
    for name, rtype in (
        ("version.bind.", "A"),
        ("version.bind.", "ANY"),
        ("authors.bind.", "TXT"),
        ("user-service", "A"),
        ("", "SOA"),
    ):
        assert house.decide(name, rtype, RRClass.CH) == REFUSED
    assert house.leave("version.bind.", "TXT", RRClass.IN) == NotOurs()


def test_a_long_text_is_cut_to_what_a_string_holds(build: Callable[..., House]) -> None:
    answer = build(version="é" * 200).decide("version.bind.", "TXT", RRClass.CH)
    assert answer.answer[0].rdatas == (TXT((("é" * 200).encode()[:255],)),)
