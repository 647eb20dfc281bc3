"""Who may ask."""

from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.answers.access import EVERYONE, Access


def _allows(networks: list[str], client: str) -> bool:
    return Access([ip_network(text) for text in networks]).allows(client)


@pytest.mark.parametrize(
    "client",
    [
        "10.0.0.1",
        "10.255.255.255",
        "::ffff:10.0.0.1",
        "::FFFF:a00:1",
        "2001:db8::1",
        "fe80::1%eth0",
        "fe80::1%2",
        "::ffff:10.0.0.1%eth0",
    ],
)
def test_a_client_in_a_network_is_allowed(client: str) -> None:
    assert _allows(["10.0.0.0/8", "2001:db8::/32", "fe80::/10"], client)


@pytest.mark.parametrize(
    "client", ["11.0.0.1", "::ffff:11.0.0.1", "2001:db9::1", "::1", "::a00:1", "fe80::1%eth0"]
)
def test_a_client_in_none_is_not(client: str) -> None:
    assert not _allows(["10.0.0.0/8", "2001:db8::/32"], client)


@settings(deadline=None)
@given((st.ip_addresses(v=4) | st.ip_addresses(v=6, network="2000::/3")).map(str))
def test_without_networks_nobody_is_allowed_and_with_all_everyone(client: str) -> None:
    assert not _allows([], client)
    assert Access(EVERYONE).allows(client)
    assert _allows(["0.0.0.0/0"], client) == (":" not in client)


@settings(deadline=None)
@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_a_mapped_client_is_the_one_it_maps(client: object, bits: int) -> None:
    networks = [str(ip_network(f"192.0.2.1/{bits}", strict=False))]
    assert _allows(networks, f"::ffff:{client}") == _allows(networks, str(client))


def test_what_was_decided_holds_after_many_other_clients() -> None:
    access = Access([ip_network("10.0.0.0/16")])
    for _ in range(2):
        for place in range(5000):
            third, fourth = divmod(place, 256)
            assert access.allows(f"10.0.{third}.{fourth}")
            assert not access.allows(f"10.1.{third}.{fourth}")
