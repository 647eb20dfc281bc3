"""The extended error of a reply takes what room is left, and no other."""

import dns.edns
import dns.flags
import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.answers.access import Client
from dnsregistry.answers.answer import Answer, ExtendedError
from dnsregistry.answers.message import add_ede, encode
from dnsregistry.answers.protocol import Ede, Rcode
from dnsregistry.answers.query import Edns, Query, Question
from dnsregistry.registry.check import Health
from dnsregistry.zone.name import Name
from tests.answers.conftest import House

QUERY = Query(7, True, Question(Name.from_text("a.test").to_wire(), 1, 1), Edns(1232, 0, False, ()))
TEXT = "why it is so"


@given(left=st.integers(0, 60), options=st.lists(st.binary(max_size=20), max_size=3))
def test_for_want_of_room_the_text_goes_before_the_code(left: int, options: list[bytes]) -> None:
    given_options = [(65001 + place, octets) for place, octets in enumerate(options)]
    octets = sum(4 + len(option) for option in options)
    plain = encode(QUERY, Answer(Rcode.NXDOMAIN), 1232, given_options)
    told = add_ede(plain, ExtendedError(Ede.OTHER, TEXT), octets, len(plain) + left)
    assert len(told) <= len(plain) + left
    message = dns.message.from_wire(told)
    errors = [(error.code, error.text) for error in message.extended_errors()]
    if left < 6:
        assert told == plain
    elif left < 6 + len(TEXT):
        assert errors == [(0, None)]
    else:
        assert errors == [(0, TEXT)]
    others = [option.otype for option in message.options if option.otype > 65000]
    assert others == [code for code, _ in given_options]


@pytest.mark.parametrize("count", range(10, 31, 2))
def test_what_is_held_up_says_so_and_loses_no_record_by_it(house: House, count: int) -> None:
    for place in range(count):
        house.add(f"i{place}", address=f"10.0.0.{place}")
    before = house.send("_user-service._tcp", "SRV", Client("127.0.0.1", tcp=False), 1232)
    house.registry.set_health("i1", Health.DEGRADED, house.now)
    after = house.send("_user-service._tcp", "SRV", Client("127.0.0.1", tcp=False), 1232)
    for section in ("answer", "additional"):
        assert len(getattr(after, section)) == len(getattr(before, section))
    assert before.flags & dns.flags.TC == after.flags & dns.flags.TC
