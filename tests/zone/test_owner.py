"""Owner names: every form has one spelling, every spelling at most one form."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dnsregistry.registry.admission import admit
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.names import RESERVED_SERVICES, host_label
from dnsregistry.zone.name import Name
from dnsregistry.zone.owner import (
    Apex,
    Branch,
    Capability,
    CapabilityProtocol,
    Host,
    InstanceName,
    Labelled,
    NamedPort,
    NamedPorts,
    NameServer,
    Owner,
    Service,
    ServiceProtocol,
    ServiceTypes,
    Subtype,
    SubtypeBranch,
    owners_of,
    read,
)

ORIGIN = Name.from_text("registry.local")
REGISTRABLE = st.from_regex(r"[a-z0-9](?:[a-z0-9_-]{0,60}[a-z0-9])?", fullmatch=True)
WORDS = st.sampled_from(["i", "cap", "ns1", "tcp", "udp"])
LABELS = REGISTRABLE | WORDS
SERVICES = LABELS.filter(lambda name: name not in RESERVED_SERVICES)
PROTOCOLS = st.sampled_from(["tcp", "udp"])
IDS = st.from_regex(r"[!#-&(-.0-\[\]-~]{1,63}", fullmatch=True).filter(
    lambda text: text not in (".", "..") and not text.startswith("_")
)
BRANCHES = [
    ("_dns-sd", "_udp"),
    ("i",),
    ("cap",),
    ("_tcp",),
    ("_udp",),
    ("_tcp", "cap"),
    ("_udp", "cap"),
]
FORMS: st.SearchStrategy[Owner] = st.one_of(
    st.builds(Apex),
    st.builds(NameServer),
    st.builds(Branch, st.sampled_from(BRANCHES)),
    st.builds(Host, LABELS),
    st.builds(Service, SERVICES),
    st.builds(Labelled, LABELS, SERVICES),
    st.builds(ServiceProtocol, SERVICES, PROTOCOLS),
    st.builds(InstanceName, IDS.map(str.lower), SERVICES, PROTOCOLS),
    st.builds(Subtype, LABELS, SERVICES, PROTOCOLS),
    st.builds(SubtypeBranch, SERVICES, PROTOCOLS),
    st.builds(ServiceTypes),
    st.builds(NamedPort, LABELS, PROTOCOLS, SERVICES),
    st.builds(NamedPorts, PROTOCOLS, SERVICES),
    st.builds(Capability, LABELS),
    st.builds(CapabilityProtocol, LABELS, PROTOCOLS),
)
SPELLINGS = st.lists(
    st.sampled_from(
        [
            b"_tcp",
            b"_udp",
            b"i",
            b"cap",
            b"ns1",
            b"_a",
            b"__a",
            b"_",
            b"a",
            b"a.b",
            b"_sub",
            b"\xff",
        ]
    )
    | st.binary(min_size=1, max_size=8).map(bytes.lower),
    max_size=4,
).map(tuple)
INSTANCES = st.builds(
    admit,
    id=IDS,
    service=SERVICES,
    address=st.just("10.0.0.1"),
    port=st.just(80),
    protocol=PROTOCOLS,
    ports=st.dictionaries(LABELS, st.integers(1, 65535), max_size=3),
    tags=st.lists(LABELS, max_size=3),
    capabilities=st.lists(LABELS.map(str.upper) | LABELS, max_size=3),
)


def _spell(owner: Owner) -> tuple[bytes, ...]:
    return tuple(label.encode() for label in owner.labels())


@settings(deadline=None)
@given(FORMS)
def test_every_form_reads_back_from_its_spelling(owner: Owner) -> None:
    assert read(_spell(owner)) == owner


@settings(deadline=None)
@given(SPELLINGS)
@example((b"_tcp", b"_tcp"))
@example((b"_tcp", b"cap", b"cap"))
def test_every_spelling_that_is_read_is_the_one_of_its_form(labels: tuple[bytes, ...]) -> None:
    owner = read(labels)
    if owner is not None:
        assert _spell(owner) == labels


@settings(deadline=None)
@given(FORMS, FORMS)
def test_two_forms_have_two_spellings(one: Owner, other: Owner) -> None:
    assert (one == other) == (_spell(one) == _spell(other))


@settings(deadline=None)
@given(INSTANCES)
def test_every_name_of_an_instance_leads_back_to_its_form(instance: Instance) -> None:
    owners = list(owners_of(instance))
    assert len(set(owners)) == len(owners)
    for owner in owners:
        name = Name.from_text(str(ORIGIN.prepend(*owner.labels())))
        relative = name.relative_to(ORIGIN)
        assert relative is not None
        assert read(relative) == owner


def test_an_instance_takes_part_in_these_names() -> None:
    instance = admit(
        id="web.1",
        service="Web",
        address="10.0.0.1",
        port=80,
        ports={"http": 80, "GRPC": 90},
        tags=["V1", "greet"],
        capabilities=["Greet"],
    )
    assert {".".join(owner.labels()) for owner in owners_of(instance)} == {
        "web",
        "_web._tcp",
        f"{host_label('web.1')}.i",
        "v1.web",
        "greet.web",
        "_http._tcp.web",
        "_grpc._tcp.web",
        "_tcp.web",
        "web.1._web._tcp",
        "_sub._web._tcp",
        "v1._sub._web._tcp",
        "greet._sub._web._tcp",
        "_services._dns-sd._udp",
        "greet.cap",
        "_greet._tcp.cap",
    }


@pytest.mark.parametrize(
    "labels",
    [
        (b"_a",),
        (b"_a", b"i"),
        (b"_a", b"cap"),
        (b"a", b"_tcp"),
        (b"_", b"_tcp"),
        (b"__a", b"_tcp"),
        (b"_a", b"_sctp"),
        (b"_tcp", b"_a"),
        (b"_a", b"web"),
        (b"a", b"_web"),
        (b"_a", b"_sctp", b"web"),
        (b"a", b"_tcp", b"web"),
        (b"_a", b"_tcp", b"_web"),
        (b"a", b"_tcp", b"cap"),
        (b"a", b"b", b"c"),
        (b"_a", b"_tcp", b"web", b"v1"),
        (b"v1", b"_sub", b"web", b"_tcp"),
        (b"v1", b"_sub", b"_web", b"_sctp"),
        (b"v1", b"_x", b"_web", b"_tcp"),
        (b"_v1", b"_sub", b"_web", b"_tcp"),
        (b"a", b"web", b"_tcp"),
        (b"_sub", b"web", b"_tcp"),
        (b"a", b"b", b"_sub", b"_web", b"_tcp"),
        (b"\xe9",),
    ],
)
def test_a_spelling_of_no_form_is_not_read(labels: tuple[bytes, ...]) -> None:
    assert read(labels) is None
