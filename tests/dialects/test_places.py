"""DIALECTS: what is on, and where."""

import re

import pytest

from dnsregistry.api.dialects.places import Place, parse_host, parse_places, parse_port

PORTS = {"scanner": 5353, "modularity": 5000, "ip-port": 3100}


def test_an_entry_is_a_name_a_port_and_a_host() -> None:
    assert parse_places(["ip-port"], PORTS) == (Place("ip-port"),)
    assert parse_places(["ip-port:13100"], PORTS) == (Place("ip-port", port=13100),)
    assert parse_places(["ip-port:0"], PORTS) == (Place("ip-port", port=0),)
    whole = parse_places(["ip-port:192.0.2.1:80", "scanner:[::1]:5353"], PORTS)
    assert whole == (Place("scanner", "::1", 5353), Place("ip-port", "192.0.2.1", 80))
    assert parse_places(["scanner:localhost:1"], PORTS) == (Place("scanner", "127.0.0.1", 1),)


def test_all_is_all_of_them_and_what_names_one_goes_over_it() -> None:
    names = [place.dialect for place in parse_places(["all"], PORTS)]
    assert names == list(PORTS)
    places = parse_places(["all", "ip-port:1"], PORTS)
    assert places == (Place("scanner"), Place("modularity"), Place("ip-port", port=1))


@pytest.mark.parametrize("entry", ["ip-port", "ip-port:0", "ip-port:[::1]:7", "ip-port:1.2.3.4:5"])
def test_an_entry_is_read_from_what_it_is_written_as(entry: str) -> None:
    [place] = parse_places([entry], PORTS)
    assert str(place) == entry
    assert parse_places([str(place)], PORTS) == (place,)


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (["ip_port"], "is not of the form name, name:port or name:host:port"),
        (["ip-prt"], "is no dialect; did you mean ip-port?"),
        (["zzz"], "is no dialect; there are scanner, modularity, ip-port, all"),
        (["ip-port", "ip-port:1"], "names ip-port twice"),
        (["ip-port:65536"], "is no port number"),
        (["ip-port:x"], "is not of the form"),
        (["ip-port:"], "is not of the form"),
        (["ip-port::1"], "is no IP address"),
        (["ip-port:host.example:1"], "is no IP address"),
        (["ip-port:[::g]:1"], "is no IP address"),
    ],
)
def test_any_other_entry_is_refused_with_the_reason(entries: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse_places(entries, PORTS)


def test_a_host_is_an_address_and_a_port_a_number() -> None:
    assert parse_host("0:0::1") == "::1"
    assert parse_port("00080") == 80
    for text in ("", "-1", "1e3", "٣", "123456"):
        with pytest.raises(ValueError, match="is no port number"):
            parse_port(text)
