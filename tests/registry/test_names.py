"""Which names DNS can carry, and what is said of those that it cannot."""

import string
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.registry.admission import admit
from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.names import (
    DIGEST_LETTERS,
    SHORT_LABEL_OCTETS,
    UNDERSCORED_OCTETS,
    check_host,
    check_id,
    check_label,
    check_service,
    host_label,
    is_short_host_label,
    parse_address,
)

LETTERS_ONLY = "may hold only letters, digits, hyphens and underscores"
ENDS = "must begin and end with a letter or a digit"
ID_RULE = "may hold only printable ASCII, no space, slash, quote or backslash"
ID_LETTERS = "".join(set(string.printable[:94]) - set(" /\\'\""))
KELVIN_SIGN = "\u212a"

ids = st.text(ID_LETTERS, min_size=1, max_size=63).filter(
    lambda text: text not in (".", "..") and not text.startswith("_")
)


@pytest.mark.parametrize("text", ["a", "7", "a-b", "a_b", "a--b", "v1", "x" * 63, "1-2_3"])
def test_a_label_of_letters_digits_hyphens_and_underscores_is_taken(text: str) -> None:
    assert check_label("tags", text) == text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "'' is empty"),
        ("x" * 64, f"{'x' * 64!r} has 64 octets; this label holds at most 63"),
        ("x" * 99, f"{'x' * 77 + '...'!r} has 99 octets; this label holds at most 63"),
        ("v1.2", "'v1.2' holds a dot, which ends a DNS label"),
        ("a b", f"'a b' {LETTERS_ONLY}"),
        ("a\n", f"'a\\n' {LETTERS_ONLY}"),
        ("a\0b", f"'a\\x00b' {LETTERS_ONLY}"),
        ("bücher", f"'bücher' {LETTERS_ONLY}"),
        (KELVIN_SIGN, f"'{KELVIN_SIGN}' {LETTERS_ONLY}"),
        ("-a", f"'-a' {ENDS}"),
        ("a-", f"'a-' {ENDS}"),
        ("_a", f"'_a' {ENDS}"),
        ("a_", f"'a_' {ENDS}"),
        ("-", f"'-' {ENDS}"),
    ],
)
def test_a_label_that_dns_cannot_carry_is_refused_with_field_and_rule(text: str, rule: str) -> None:
    with pytest.raises(InvalidField) as refused:
        check_label("tags", text)
    assert (refused.value.field, refused.value.rule) == ("tags", rule)
    assert str(refused.value) == f"tags: {rule}"


@pytest.mark.parametrize("text", ["User-Service", "x" * UNDERSCORED_OCTETS, "ns2", "caps", "i2"])
def test_a_service_name_is_kept_in_lower_case(text: str) -> None:
    assert check_service(text) == text.lower()


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("x" * 63, f"{'x' * 63!r} has 63 octets; this label holds at most 62"),
        ("user.service", "'user.service' holds a dot, which ends a DNS label"),
        ("_web", f"'_web' {ENDS}"),
        ("ns1", "'ns1' is a name of the zone itself; choose another"),
        ("dns-sd", "'dns-sd' is a name of the zone itself; choose another"),
        ("I", "'i' is a name of the zone itself; choose another"),
        ("Cap", "'cap' is a name of the zone itself; choose another"),
    ],
)
def test_a_service_name_that_the_zone_cannot_hold_is_refused(text: str, rule: str) -> None:
    with pytest.raises(InvalidField) as refused:
        check_service(text)
    assert (refused.value.field, refused.value.rule) == ("service", rule)


@given(ids)
@settings(max_examples=100, deadline=None)
def test_an_id_of_allowed_octets_is_kept_as_given(text: str) -> None:
    assert check_id(text) == text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "is empty; leave it out to be given one"),
        ("x" * 64, "has 64 octets; a DNS label holds at most 63"),
        *(
            (f"a{letter}b", f"{f'a{letter}b'!r} {ID_RULE}")
            for letter in [" ", "/", "\\", "'", '"', "\t", "\n", "\0", "\x7f", "é", KELVIN_SIGN]
        ),
        ("a\n", f"'a\\n' {ID_RULE}"),
        (".", "'.' has a meaning of its own in a URL's path"),
        ("_x", "'_x' begins with an underscore, as no instance may"),
        ("..", "'..' has a meaning of its own in a URL's path"),
    ],
)
def test_an_id_with_another_octet_is_refused(text: str, rule: str) -> None:
    with pytest.raises(InvalidField) as refused:
        check_id(text)
    assert (refused.value.field, refused.value.rule) == ("id", rule)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Api.Example.ORG", "api.example.org"),
        ("api.example.org.", "api.example.org"),
        ("localhost", "localhost"),
        ("10.example", "10.example"),
        ("my_host.example", "my_host.example"),
        (".".join(["x" * 63, "y" * 63, "z" * 63, "w" * 61]), None),
    ],
)
def test_a_host_name_is_kept_in_lower_case_without_its_final_dot(
    text: str, host: str | None
) -> None:
    assert check_host("address", text) == (host or text)


NEITHER = "is no address and no host name"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", f"'' {NEITHER}: '' is empty"),
        (".", f"'.' {NEITHER}: '' is empty"),
        ("a..b", f"'a..b' {NEITHER}: '' is empty"),
        ("a..", f"'a..' {NEITHER}: '' is empty"),
        (".a", f"'.a' {NEITHER}: '' is empty"),
        ("a b.c", f"'a b.c' {NEITHER}: 'a b' {LETTERS_ONLY}"),
        ("-a.b", f"'-a.b' {NEITHER}: '-a' {ENDS}"),
        ("bücher.example", f"'bücher.example' {NEITHER}: 'bücher' {LETTERS_ONLY}"),
        (
            f"{KELVIN_SIGN}.example",
            f"'{KELVIN_SIGN}.example' {NEITHER}: '{KELVIN_SIGN}' {LETTERS_ONLY}",
        ),
        (
            f"{'x' * 64}.org",
            f"'{'x' * 64}.org' {NEITHER}: '{'x' * 64}' has 64 octets; this label holds at most 63",
        ),
        (f"{'a.' * 127}b", "has 255 octets; a DNS name holds at most 253"),
        (f"{'a.' * 126}bc", "has 254 octets; a DNS name holds at most 253"),
        ("http://a.example", f"'http://a.example' {NEITHER}: 'http://a' {LETTERS_ONLY}"),
        ("10.0.0.1:80", f"'10.0.0.1:80' {NEITHER}: '1:80' {LETTERS_ONLY}"),
        ("[::1]", f"'[::1]' {NEITHER}: '[::1]' {LETTERS_ONLY}"),
        ("10.0.0.0/24", f"'10.0.0.0/24' {NEITHER}: '0/24' {LETTERS_ONLY}"),
        ("10.0.0.1 ", f"'10.0.0.1 ' {NEITHER}: '1 ' {LETTERS_ONLY}"),
        ("fe80::1%", f"'fe80::1%' {NEITHER}: 'fe80::1%' {LETTERS_ONLY}"),
        # Some resolvers read each of these as an IPv4 address, and not all as the same one.
        ("10.0.0", f"'10.0.0' {NEITHER}: its last label is a number"),
        ("10.0.0.256", f"'10.0.0.256' {NEITHER}: its last label is a number"),
        ("10.0.0.1.", f"'10.0.0.1.' {NEITHER}: its last label is a number"),
        ("010.0.0.1", f"'010.0.0.1' {NEITHER}: its last label is a number"),
        ("0177.0.0.1", f"'0177.0.0.1' {NEITHER}: its last label is a number"),
        ("2130706433", f"'2130706433' {NEITHER}: its last label is a number"),
        ("0x7f.1", f"'0x7f.1' {NEITHER}: its last label is a number"),
        ("0x7f000001", f"'0x7f000001' {NEITHER}: its last label is a number"),
        ("127.0.0.0x1", f"'127.0.0.0x1' {NEITHER}: its last label is a number"),
        ("example.7", f"'example.7' {NEITHER}: its last label is a number"),
        ("fe80::1%eth0", "'fe80::1%eth0' names an interface, which DNS cannot carry"),
        ("::1%1", "'::1%1' names an interface, which DNS cannot carry"),
        ("::ffff:10.0.0.1", "'::ffff:10.0.0.1' is an IPv4 address; write 10.0.0.1"),
        ("::FFFF:A00:1", "'::FFFF:A00:1' is an IPv4 address; write 10.0.0.1"),
        *(
            (text, f"{text!r} is no address that a client can connect to")
            for text in ["0.0.0.0", "::", "224.0.0.251", "ff02::fb", "255.255.255.255"]
        ),
    ],
)
def test_what_is_no_address_is_refused_with_field_and_rule(text: str, rule: str) -> None:
    with pytest.raises(InvalidField) as refused:
        parse_address("address", text)
    assert (refused.value.field, refused.value.rule) == ("address", rule)


@given(st.ip_addresses())
@settings(max_examples=200, deadline=None)
def test_an_address_that_a_client_can_connect_to_is_read_back(
    address: IPv4Address | IPv6Address,
) -> None:
    refused = address.is_unspecified or address.is_multicast or address.packed == b"\xff" * 4
    if refused or getattr(address, "ipv4_mapped", None) is not None:
        with pytest.raises(InvalidField):
            parse_address("address", str(address))
    else:
        assert parse_address("address", str(address)) == address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("fe80::1", "fe80::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::10.0.0.1", "::a00:1"),
    ],
)
def test_an_address_is_kept_as_a_number(text: str, address: str) -> None:
    assert parse_address("address", text) == ip_address(address)


@given(st.text("aB1.-_", max_size=12) | st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_is_an_address_a_host_name_or_refused(text: str) -> None:
    with suppress(InvalidField):
        parsed = parse_address("address", text)
        assert parse_address("address", str(parsed)) == parsed
        assert str(parsed).isascii()


@given(ids)
@settings(max_examples=200, deadline=None)
def test_a_host_label_is_short_plain_and_the_same_in_every_case(instance_id: str) -> None:
    label = host_label(instance_id)
    assert is_short_host_label(label)
    assert len(label) in range(1, SHORT_LABEL_OCTETS + 1)
    assert label == host_label(instance_id.lower()) == host_label(instance_id.upper())


@pytest.mark.parametrize("instance_id", ["a", "Web-1", "7", "x" * 16])
def test_a_short_plain_id_is_its_own_host_label(instance_id: str) -> None:
    assert host_label(instance_id) == instance_id.lower()


@pytest.mark.parametrize("instance_id", ["x" * 17, "a.b", "a_b", "-a", "a-", "a:80", "{}"])
def test_any_other_id_has_a_digest_for_its_host_label(instance_id: str) -> None:
    label = host_label(instance_id)
    assert len(label) == DIGEST_LETTERS
    assert set(label) <= set(string.ascii_lowercase + "234567")


def test_digests_stay_the_same_over_the_years() -> None:
    assert host_label("web.1") == "uceo4sft7b"


@given(st.lists(ids, unique_by=host_label, min_size=1, max_size=20), st.data())
@settings(max_examples=60, deadline=None)
def test_find_host_is_the_inverse_of_host_label(texts: list[str], data: st.DataObject) -> None:
    catalogue = Catalogue()
    leases: dict[str, Lease] = {}
    for sequence, text in enumerate(texts, 1):
        instance = _instance(text)
        leases[text] = Lease(instance, sequence, sequence, 0.0)
        catalogue.insert(leases[text])
    gone = data.draw(st.sets(st.sampled_from(texts)))
    for text in gone:
        catalogue.remove(leases[text])
    for text in texts:
        expected = None if text in gone else leases[text]
        assert catalogue.find_host(host_label(text)) is expected
        assert catalogue.find(text.swapcase()) is expected


def test_a_long_id_is_no_host_label_of_itself() -> None:
    catalogue = Catalogue()
    catalogue.insert(Lease(_instance("web.1"), 1, 1, 0.0))
    assert catalogue.find_host("web.1") is None
    assert catalogue.find_host("") is None


def _instance(instance_id: str) -> Instance:
    return admit(id=instance_id, service="web", address="10.0.0.1", port=80)
