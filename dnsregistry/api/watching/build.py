"""Putting it together: events written as the API writes instances."""

from collections.abc import Awaitable, Callable, Sequence

from dnsregistry.api.replies import describe
from dnsregistry.api.watching.event import Event
from dnsregistry.api.watching.frames import write_event
from dnsregistry.api.watching.settings import WatchSettings
from dnsregistry.api.watching.watching import (
    LAG_SECONDS,
    Watching,
    WatchOptions,
    nobody_else,
)
from dnsregistry.health.desk import Desk
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Registry

REVISIONS_A_SECOND = 1000
"""What a start leaves room for: more changes than that, over a whole run, would have the next one
give revisions again. It takes milliseconds since 1970, which JSON numbers hold for ever."""


def first_revision(now: float) -> int:
    """A revision above all of earlier runs, of this store or another one, at a unix time."""
    return int(now * REVISIONS_A_SECOND)


def read_options(settings: WatchSettings, *, is_clustered: bool) -> WatchOptions:
    """What the settings say."""
    return WatchOptions(
        streams=settings.watch_streams,
        streams_per_client=settings.watch_streams_per_client,
        history=settings.watch_history,
        heartbeat=settings.watch_heartbeat,
        patience=settings.watch_patience,
        lag=LAG_SECONDS if is_clustered else 0.0,
    )


def build_watching(
    options: WatchOptions,
    registry: Registry,
    dns_names: Callable[[Instance], Sequence[str]],
    desk: Desk | None = None,
    settle: Callable[[], Awaitable[None]] = nobody_else,
) -> Watching:
    """To be called once the registry holds what its store does, and after DNS follows the feed."""

    def write(event: Event) -> bytes:
        lease = event.lease
        told = Lease(event.instance, lease.sequence, event.revision, lease.granted_at)
        told.renewed_at, told.deadline = lease.renewed_at, lease.deadline
        described = describe(told, dns_names(event.instance), desk)
        return write_event(event.revision, event.kind, described)

    return Watching(registry.feed, write, options, settle)
