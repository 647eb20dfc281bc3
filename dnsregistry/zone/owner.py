"""The owner names of the live zone: what each form means, and how it is written.

Rules:
- `read` and `labels` are inverses: every form has one spelling, every spelling one form.
- Labels are relative to the origin, in lower case, from the left.
- A label in front of a protocol has an underscore (RFC 2782); no registered name begins
  with one, so that forms cannot be mistaken for each other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dnsregistry.registry.admission import PROTOCOLS
from dnsregistry.registry.instance import Instance

NAME_SERVER = "ns1"
HOSTS = "i"
CAPABILITIES = "cap"
SUBTYPES = "_sub"

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Apex:
    """The origin itself."""

    def labels(self) -> Labels:
        """Return its spelling."""
        return ()


@dataclass(frozen=True, slots=True)
class NameServer:
    """`ns1`: this server."""

    def labels(self) -> Labels:
        """Return its spelling."""
        return (NAME_SERVER,)


@dataclass(frozen=True, slots=True)
class Branch:
    """A name that holds nothing but others below it, and is always there.

    Were it absent while empty, a resolver that minimises its questions (RFC 9156) would hold
    the denial against the first service to come (RFC 8020).
    """

    spelling: Labels

    def labels(self) -> Labels:
        """Return its spelling."""
        return self.spelling


@dataclass(frozen=True, slots=True)
class Host:
    """`<host>.i`: one instance."""

    label: str

    def labels(self) -> Labels:
        """Return its spelling."""
        return (self.label, HOSTS)


@dataclass(frozen=True, slots=True)
class Service:
    """`user-service`: the instances of a service."""

    service: str

    def labels(self) -> Labels:
        """Return its spelling."""
        return (self.service,)


@dataclass(frozen=True, slots=True)
class Labelled:
    """`v1.user-service`: those with a tag or capability."""

    label: str
    service: str

    def labels(self) -> Labels:
        """Return its spelling."""
        return (self.label, self.service)


@dataclass(frozen=True, slots=True)
class ServiceProtocol:
    """`_user-service._tcp`: those that speak a protocol."""

    service: str
    protocol: str

    def labels(self) -> Labels:
        """Return its spelling."""
        return (f"_{self.service}", f"_{self.protocol}")


@dataclass(frozen=True, slots=True)
class InstanceName:
    """`<id>._user-service._tcp`: one instance, as DNS-SD names it (RFC 6763, 4.1).

    The id is in lower case here, and may hold dots: it is one label whatever its text.
    """

    id: str
    service: str
    protocol: str

    def labels(self) -> Labels:
        """Return its spelling."""
        return (self.id, f"_{self.service}", f"_{self.protocol}")


@dataclass(frozen=True, slots=True)
class Subtype:
    """`v1._sub._user-service._tcp`: those with a tag or capability (RFC 6763, 7.1)."""

    label: str
    service: str
    protocol: str

    def labels(self) -> Labels:
        """Return its spelling."""
        return (self.label, SUBTYPES, f"_{self.service}", f"_{self.protocol}")


@dataclass(frozen=True, slots=True)
class SubtypeBranch:
    """`_sub._user-service._tcp`: nothing but the subtypes below it."""

    service: str
    protocol: str

    def labels(self) -> Labels:
        """Return its spelling."""
        return (SUBTYPES, f"_{self.service}", f"_{self.protocol}")


@dataclass(frozen=True, slots=True)
class ServiceTypes:
    """`_services._dns-sd._udp`: the service types that there are (RFC 6763, 9)."""

    def labels(self) -> Labels:
        """Return its spelling."""
        return _SERVICE_TYPES


@dataclass(frozen=True, slots=True)
class NamedPort:
    """`_http._tcp.user-service`: those that speak a protocol, at their port of a name."""

    port: str
    protocol: str
    service: str

    def labels(self) -> Labels:
        """Return its spelling."""
        return (f"_{self.port}", f"_{self.protocol}", self.service)


@dataclass(frozen=True, slots=True)
class NamedPorts:
    """`_tcp.user-service`: nothing but the named ports below it."""

    protocol: str
    service: str

    def labels(self) -> Labels:
        """Return its spelling."""
        return (f"_{self.protocol}", self.service)


@dataclass(frozen=True, slots=True)
class Capability:
    """`greet.cap`: the instances of any service with a capability."""

    capability: str

    def labels(self) -> Labels:
        """Return its spelling."""
        return (self.capability, CAPABILITIES)


@dataclass(frozen=True, slots=True)
class CapabilityProtocol:
    """`_greet._tcp.cap`: those that speak a protocol."""

    capability: str
    protocol: str

    def labels(self) -> Labels:
        """Return its spelling."""
        return (f"_{self.capability}", f"_{self.protocol}", CAPABILITIES)


Owner = (
    Apex
    | NameServer
    | Branch
    | Host
    | Service
    | Labelled
    | ServiceProtocol
    | InstanceName
    | Subtype
    | SubtypeBranch
    | ServiceTypes
    | NamedPort
    | NamedPorts
    | Capability
    | CapabilityProtocol
)

_SERVICE_TYPES = ("_services", "_dns-sd", "_udp")
PROTOCOL_LABELS = {f"_{protocol}": protocol for protocol in PROTOCOLS}
STANDING_LABELS = frozenset({NAME_SERVER, HOSTS, CAPABILITIES, *PROTOCOL_LABELS})
"""Labels that stand at the origin whatever is registered; no service has one for its name."""
_BRANCHES = {
    (HOSTS,),
    (CAPABILITIES,),
    _SERVICE_TYPES[1:],
    *((label,) for label in PROTOCOL_LABELS),
    *((label, CAPABILITIES) for label in PROTOCOL_LABELS),
}


def read(labels: Sequence[bytes]) -> Owner | None:
    """Return the form that the labels spell; None where no form is spelt so."""
    try:
        spelling = tuple(label.decode("ascii") for label in labels)
    except UnicodeDecodeError:
        return None
    if spelling in _BRANCHES:
        return Branch(spelling)
    if spelling == _SERVICE_TYPES:
        return ServiceTypes()
    match spelling:
        case ():
            return Apex()
        case (label,):
            return NameServer() if label == NAME_SERVER else _plain(label, Service(label))
        case (label, parent):
            return _read_two(label, parent)
        case (label, protocol, parent):
            return _read_three(label, protocol, parent)
        case (label, branch, service, protocol):
            return _read_four(label, branch, service, protocol)
    return None


def owners_of(instance: Instance) -> Iterator[Owner]:
    """Yield every form whose answers an instance takes part in."""
    yield from shared_owners(instance.service, instance.protocol)
    yield from own_owners(instance)


def shared_owners(service: str, protocol: str) -> Sequence[Owner]:
    """The forms that all instances of a service and protocol take part in."""
    return Service(service), ServiceProtocol(service, protocol), ServiceTypes()


def own_owners(instance: Instance) -> Sequence[Owner]:
    """The forms that an instance takes part in beside those."""
    service, protocol = instance.service, instance.protocol
    owners: list[Owner] = [
        Host(instance.host_label),
        InstanceName(instance.id.lower(), service, protocol),
    ]
    if labels := instance.labels:
        owners.append(SubtypeBranch(service, protocol))
        for label in labels:
            owners += Labelled(label, service), Subtype(label, service, protocol)
    if instance.ports:
        owners.append(NamedPorts(protocol, service))
        owners += [NamedPort(port, protocol, service) for port, _ in instance.ports]
    for capability in instance.capabilities:
        folded = capability.lower()
        owners += Capability(folded), CapabilityProtocol(folded, protocol)
    return owners


def _read_two(label: str, parent: str) -> Owner | None:
    if parent == HOSTS:
        return _plain(label, Host(label))
    if parent == CAPABILITIES:
        return _plain(label, Capability(label))
    protocol = PROTOCOL_LABELS.get(parent)
    if protocol:
        return _underscored(label, ServiceProtocol(label[1:], protocol))
    protocol = PROTOCOL_LABELS.get(label)
    if protocol:
        return _plain(parent, NamedPorts(protocol, parent))
    return _plain(label, _plain(parent, Labelled(label, parent)))


def _read_three(label: str, protocol_label: str, parent: str) -> Owner | None:
    protocol = PROTOCOL_LABELS.get(parent)
    if protocol:
        return _read_instance(label, protocol_label, protocol)
    protocol = PROTOCOL_LABELS.get(protocol_label)
    if protocol is None:
        return None
    if parent == CAPABILITIES:
        return _underscored(label, CapabilityProtocol(label[1:], protocol))
    return _underscored(label, _plain(parent, NamedPort(label[1:], protocol, parent)))


def _read_instance(label: str, service: str, protocol: str) -> Owner | None:
    if label == SUBTYPES:
        return _underscored(service, SubtypeBranch(service[1:], protocol))
    return _underscored(service, InstanceName(label, service[1:], protocol))


def _read_four(label: str, branch: str, service: str, protocol_label: str) -> Owner | None:
    protocol = PROTOCOL_LABELS.get(protocol_label)
    if branch != SUBTYPES or protocol is None:
        return None
    return _plain(label, _underscored(service, Subtype(label, service[1:], protocol)))


def _plain(label: str, owner: Owner | None) -> Owner | None:
    return None if label.startswith("_") else owner


def _underscored(label: str, owner: Owner | None) -> Owner | None:
    return owner if len(label) > 1 and label.startswith("_") and label[1] != "_" else None
