"""Static zones, answered as RFC 1034, 4.3.2 and RFC 4592 say."""

import pytest

from dnsregistry.zone.lookup import Found, NoData, NoName, NotOurs, Referral
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import RRType
from dnsregistry.zone.redirect import redirect
from dnsregistry.zone.rrset import RRset
from dnsregistry.zone.static import StaticZone
from tests.zonefiles.text import ask, build, rrsets_of, tell

RFC4592 = """\
$ORIGIN example.
$TTL 3600
example.                 3600     SOA   ns.example.com. host.example.com. 1 2 3 4 5
example.                 3600     NS    ns.example.com.
example.                 3600     NS    ns.example.net.
*.example.               3600     TXT   "this is a wildcard"
*.example.               3600     MX    10 host1.example.
sub.*.example.           3600     TXT   "this is not a wildcard"
host1.example.           3600     A     192.0.2.1
_ssh._tcp.host1.example. 3600     SRV   0 0 22 host1.example.
_ssh._tcp.host2.example. 3600     SRV   0 0 22 host2.example.
subdel.example.          3600     NS    ns.example.com.
subdel.example.          3600     NS    ns.example.net.
"""
"""The zone of RFC 4592, 2.2.1."""

WALK = """\
$TTL 300
@            NS     ns1
             NS     ns.elsewhere.example.
             MX     10 mail
             MX     20 mail.sub
             MX     30 .
ns1          A      192.0.2.53
             AAAA   2001:db8::53
mail         A      192.0.2.25
alias        CNAME  mail
             RRSIG  CNAME 8 3 300 20300101000000 20200101000000 1 test. AAAA
out          CNAME  www.example.net.
_web._tcp    SRV    1 2 80 mail
             SRV    1 0 81 www.example.net.
a.b.c        TXT    "deep"
sub          NS     ns.sub
             NS     ns1
             NS     ns.elsewhere.example.
             DS     1 8 2 0102030405060708091011121314151617181920212223242526272829303132
             A      192.0.2.1
ns.sub       A      192.0.2.60
             AAAA   2001:db8::60
mail.sub     A      192.0.2.61
*.sub        TXT    "never"
moved        DNAME  new.example.net.
             TXT    "the owner itself"
x.moved      TXT    "never"
"""


@pytest.fixture(scope="module")
def rfc4592() -> StaticZone:
    return build(RFC4592, "example")


@pytest.fixture(scope="module")
def walk() -> StaticZone:
    return build(WALK, "test")


@pytest.mark.parametrize(
    ("name", "rtype", "answer"),
    [
        # "The following responses would be synthesized from one of the wildcards in the zone"
        ("host3.example", "MX", ["host3.example. 3600 IN MX 10 host1.example."]),
        ("host3.example", "A", "NODATA"),
        ("foo.bar.example", "TXT", ['foo.bar.example. 3600 IN TXT "this is a wildcard"']),
        # "The following responses would not be synthesized from any of the wildcards"
        ("host1.example", "MX", "NODATA"),
        ("sub.*.example", "MX", "NODATA"),
        ("_telnet._tcp.host1.example", "SRV", "NXDOMAIN"),
        (
            "host.subdel.example",
            "A",
            [
                "subdel.example. 3600 IN NS ns.example.com.",
                "subdel.example. 3600 IN NS ns.example.net.",
            ],
        ),
        ("ghost.*.example", "MX", "NXDOMAIN"),
        # A wildcard asked for by its own name is a name like any other (2.1.1, 2.2.1).
        ("*.example", "TXT", ['*.example. 3600 IN TXT "this is a wildcard"']),
        ("*.example", "A", "NODATA"),
        # Empty non-terminals (2.2.2) exist: no wildcard covers them, nor what is below.
        ("_tcp.host1.example", "TXT", "NODATA"),
        ("host2.example", "TXT", "NODATA"),
        ("x.host2.example", "TXT", "NXDOMAIN"),
        ("a.b.c.d.example", "TXT", ['a.b.c.d.example. 3600 IN TXT "this is a wildcard"']),
    ],
)
def test_the_example_of_rfc_4592_is_answered_as_it_says(
    rfc4592: StaticZone, name: str, rtype: str, answer: str | list[str]
) -> None:
    told = tell(ask(rfc4592, name, rtype))
    assert _with_mnemonics(told) == answer


def _with_mnemonics(told: str | list[str]) -> str | list[str]:
    return told if isinstance(told, str) else [line.replace(" TYPE15 ", " MX ") for line in told]


@pytest.mark.parametrize(
    ("name", "rtype", "answer"),
    [
        ("mail.test", "A", ["mail.test. 300 IN A 192.0.2.25"]),
        ("mail.test", "AAAA", "NODATA"),
        ("nobody.test", "A", "NXDOMAIN"),
        ("x.mail.test", "A", "NXDOMAIN"),
        ("b.c.test", "TXT", "NODATA"),
        ("c.test", "A", "NODATA"),
        ("x.c.test", "A", "NXDOMAIN"),
        ("alias.test", "A", ["alias.test. 300 IN CNAME mail.test."]),
        ("alias.test", "CNAME", ["alias.test. 300 IN CNAME mail.test."]),
        ("x.alias.test", "A", "NXDOMAIN"),
        ("mail.test", "SOA", "NODATA"),
        ("test", "A", "NODATA"),
        ("test", "DS", "NODATA"),
        ("example", "A", "not ours"),
        ("xtest", "A", "not ours"),
        ("", "NS", "not ours"),
    ],
)
def test_a_name_gets_its_data_or_the_denial_that_fits(
    walk: StaticZone, name: str, rtype: str, answer: str | list[str]
) -> None:
    assert tell(ask(walk, name, rtype)) == answer


def test_signatures_beside_an_alias_are_found_by_their_type(walk: StaticZone) -> None:
    lookup = ask(walk, "alias.test", "RRSIG")
    assert isinstance(lookup, Found)
    assert lookup.rrset.rtype == 46


@pytest.mark.parametrize(
    "name", ["sub.test", "x.sub.test", "ns.sub.test", "*.sub.test", "a.b.sub.test"]
)
@pytest.mark.parametrize("rtype", ["A", "NS", "TXT", "SOA"])
def test_what_is_delegated_is_referred_with_all_glue(
    walk: StaticZone, name: str, rtype: str
) -> None:
    assert tell(ask(walk, name, rtype)) == [
        "sub.test. 300 IN NS ns.sub.test.",
        "sub.test. 300 IN NS ns1.test.",
        "sub.test. 300 IN NS ns.elsewhere.example.",
        "ns.sub.test. 300 IN A 192.0.2.60",
        "ns.sub.test. 300 IN AAAA 2001:db8::60",
        "ns1.test. 300 IN A 192.0.2.53",
        "ns1.test. 300 IN AAAA 2001:db8::53",
    ]


def test_the_ds_at_a_delegation_is_the_parents(walk: StaticZone) -> None:
    lookup = ask(walk, "sub.test", "DS")
    assert isinstance(lookup, Found)
    assert lookup.rrset.owner == Name.from_text("sub.test")
    assert isinstance(ask(walk, "x.sub.test", "DS"), Referral)


def test_without_a_ds_the_parent_denies_it() -> None:
    zone = build("sub 60 NS ns.sub\n", "test")
    assert isinstance(ask(zone, "sub.test", "DS"), NoData)


def test_the_highest_of_two_delegations_counts() -> None:
    zone = build("sub 60 NS ns.net.\nlower.sub 60 NS ns.example.\n", "test")
    assert tell(ask(zone, "x.lower.sub.test", "A")) == ["sub.test. 60 IN NS ns.net."]


def test_targets_in_the_zone_come_with_their_addresses(walk: StaticZone) -> None:
    ns = ask(walk, "test", "NS")
    assert isinstance(ns, Found)
    assert [line for rrsets in ns.additional.values() for r in rrsets for line in r.lines()] == [
        "ns1.test. 300 IN A 192.0.2.53",
        "ns1.test. 300 IN AAAA 2001:db8::53",
    ]
    # Glue is not the zone's own data, and is for referrals alone (RFC 2181, 5.4.1).
    mx = ask(walk, "test", "MX")
    assert isinstance(mx, Found)
    assert list(mx.additional) == [Name.from_text("mail.test")]
    srv = ask(walk, "_web._tcp.test", "SRV")
    assert isinstance(srv, Found)
    assert list(srv.additional) == [Name.from_text("mail.test")]
    assert [(p.priority, p.weight) for p in srv.rrset.preferences] == [(1, 2), (1, 0)]


def test_a_denial_holds_for_the_lesser_of_soa_ttl_and_minimum() -> None:
    for ttl, minimum, expected in ((3600, 60, 60), (30, 60, 30)):
        zone = build(f"@ {ttl} SOA ns1 h 1 2 3 4 {minimum}\nx 5 TXT x\n", "test")
        for name in ("x.test", "nobody.test"):
            lookup = ask(zone, name, "A")
            assert isinstance(lookup, NoData | NoName)
            assert lookup.soa.owner == Name.from_text("test")
            assert lookup.soa.ttl == expected
        # The SOA itself keeps its own.
        found = ask(zone, "test", "SOA")
        assert isinstance(found, Found)
        assert found.rrset.ttl == ttl


def test_a_wildcard_gives_its_alias_to_the_name_that_was_asked() -> None:
    zone = build("*.apps 60 CNAME web\nweb 60 A 192.0.2.1\n", "test")
    assert tell(ask(zone, "shop.apps.test", "A")) == ["shop.apps.test. 60 IN CNAME web.test."]


def test_an_empty_wildcard_denies_the_type_not_the_name() -> None:
    """RFC 4592, 4.9: an empty non-terminal that is a wildcard is a source of synthesis."""
    zone = build("x.*.apps 60 TXT x\n", "test")
    assert isinstance(ask(zone, "any.apps.test", "A"), NoData)


def test_below_a_dname_every_name_finds_it(walk: StaticZone) -> None:
    for name in ("a.moved.test", "x.moved.test", "a.b.moved.test"):
        lookup = ask(walk, name, "A")
        assert isinstance(lookup, Found)
        assert lookup.rrset.rtype == 39
        assert lookup.rrset.owner == Name.from_text("moved.test")
    assert tell(ask(walk, "moved.test", "TXT")) == ['moved.test. 300 IN TXT "the owner itself"']
    assert isinstance(ask(walk, "moved.test", "A"), NoData)


def test_a_dname_makes_the_alias_of_a_name_below_it(walk: StaticZone) -> None:
    lookup = ask(walk, "a.b.moved.test", "A")
    assert isinstance(lookup, Found)
    alias = redirect(Name.from_text("a.b.moved.test"), lookup.rrset)
    assert alias is not None
    assert alias.lines() == ["a.b.moved.test. 300 IN CNAME a.b.new.example.net."]
    with pytest.raises(ValueError, match="does not redirect"):
        redirect(Name.from_text("moved.test"), lookup.rrset)


def test_a_dname_to_a_name_too_long_gives_no_alias() -> None:
    long = ".".join(["x" * 60] * 3)
    (dname,) = rrsets_of(f"moved 60 DNAME {long}.\n", "test")
    fits = Name.from_text(f"{'y' * 63}.y.moved.test")
    alias = redirect(fits, dname)
    assert alias is not None
    assert len(alias.rdatas[0].target.to_wire()) == 250  # type: ignore[union-attr]
    assert redirect(Name.from_text(f"{'y' * 63}.yyyyyyy.moved.test"), dname) is None


def test_a_zone_has_a_soa_and_stays_in_its_origin() -> None:
    with pytest.raises(ValueError, match=r"test\. has no SOA"):
        StaticZone(Name.from_text("test"), ())
    with pytest.raises(ValueError, match=r"outside"):
        StaticZone(Name.from_text("other"), rrsets_of("x 60 TXT x\n", "test"))


def test_the_serial_is_the_soas() -> None:
    assert build("@ 60 SOA ns1 h 4294967295 2 3 4 5\n", "test").serial == 4_294_967_295


def test_a_lookup_costs_the_labels_and_not_the_records() -> None:
    class Counting(dict[bytes, object]):
        asked = 0

        def get(self, label: bytes, default: object = None, /) -> object:
            Counting.asked += 1
            return super().get(label, default)

    origin = Name.from_text("test")
    few, many = (
        build("".join(f"h{n}.a.b TXT x\n" for n in range(count)).join(["$TTL 1\n", ""]), "test")
        for count in (3, 300)
    )
    costs = []
    for zone in (few, many):
        tree = zone._tree
        branch = tree.apex
        while branch.below:
            children = branch.below
            branch.below = Counting(children)  # type: ignore[assignment]
            branch = next(iter(children.values()))
        Counting.asked = 0
        assert isinstance(zone.lookup(Name((b"h1", b"a", b"b", *origin.labels)), 1, 0.0), NoData)
        costs.append(Counting.asked)
    assert costs == [3, 3]


def test_all_lookups_of_another_zone_are_not_ours(walk: StaticZone) -> None:
    assert ask(walk, "mail.other", "A") == NotOurs()
    assert walk.lookup(Name(()), RRType.SOA, 0.0) == NotOurs()


def test_records_are_answered_as_one_rrset(walk: StaticZone) -> None:
    lookup = ask(walk, "test", "MX")
    assert isinstance(lookup, Found)
    assert isinstance(lookup.rrset, RRset)
    assert [str(rdata) for rdata in lookup.rrset.rdatas] == [
        "10 mail.test.",
        "20 mail.sub.test.",
        "30 .",
    ]
