"""The house that the benchmarks measure in: services of ten instances each."""

from collections.abc import Iterator

from tests.benchmarks.queries import Question

ORIGIN = "registry.local"
SERVICES = 1000
INSTANCES = 10
"""Of each service."""
PORT = 8080


def service_name(number: int) -> str:
    """The name of the service of this number."""
    return f"svc-{number:06d}"


def address_of(number: int) -> str:
    """The address of the instance of this number: each has its own."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def make_instances(
    services: int = SERVICES, each: int = INSTANCES, ttl: float | None = None
) -> Iterator[dict[str, object]]:
    """The instances as registrations; their leases do not end but where a `ttl` is given."""
    for number in range(services * each):
        yield make_instance(number, services, ttl=ttl)


def make_instance(
    number: int, services: int = SERVICES, port: int = PORT, ttl: float | None = None
) -> dict[str, object]:
    """The instance of this number, which is one of service `number % services`."""
    return {
        "id": f"i-{number:07d}",
        "service": service_name(number % services),
        "address": address_of(number),
        "port": port,
        "ttl": ttl,
    }


def srv_name(service: int) -> str:
    """The owner name of the service's SRV records."""
    return f"_{service_name(service)}._tcp.{ORIGIN}"


def a_name(service: int) -> str:
    """The owner name of its addresses."""
    return f"{service_name(service)}.{ORIGIN}"


def host_name(instance: int) -> str:
    """The owner name of an instance, the target of its SRV record."""
    return f"i-{instance:07d}.i.{ORIGIN}"


def make_questions(services: int = SERVICES) -> list[Question]:
    """For each service SRV and A, in turn."""
    return [
        question
        for number in range(services)
        for question in ((srv_name(number), "SRV"), (a_name(number), "A"))
    ]
