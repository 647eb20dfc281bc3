"""What an instance takes in memory, with its lease and everything by which it is found."""

import tracemalloc

from dnsregistry.registry.admission import admit
from dnsregistry.registry.registry import Registry

MANY = 10_000
MOST_OCTETS = 1200
"""Of the core alone; the whole process is to stay below 1,500 an instance at a million."""


def test_an_instance_takes_little_more_than_a_kilobyte() -> None:
    registry = Registry()
    tracemalloc.start()
    try:
        for number in range(MANY):
            instance = admit(
                id=f"user-service-{number:05d}-5d9f8b6c",
                service=f"user-service-{number // 10}",
                address=f"10.0.{number >> 8}.{number & 255}",
                port=int("8080"),
                tags=["".join(("v", "1"))],
                ttl=float("30"),
            )
            registry.grant(instance, 1_800_000_000.0 + number / MANY)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / MANY < MOST_OCTETS
