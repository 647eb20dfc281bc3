"""Who has gone is remembered, for a while and up to a number."""

from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.registry.admission import admit
from dnsregistry.registry.departures import Departures
from dnsregistry.registry.feed import ChangeKind
from dnsregistry.registry.registry import Registry

MOST, SECONDS = 4, 10.0
_EDITS = st.tuples(
    st.sampled_from(["grant", "revoke", "expire", "wait"]),
    st.sampled_from(["a", "B", "c", "d", "e", "f"]),
    st.sampled_from(["web", "db"]),
)


@given(st.lists(_EDITS, max_size=60))
def test_it_is_what_a_plain_list_of_ends_would_tell(edits: list[tuple[str, str, str]]) -> None:
    registry, departures = Registry(), Departures(MOST, SECONDS)
    now, ends = 1000.0, list[tuple[str, str, float, ChangeKind]]()
    registry.feed.subscribe(lambda change: departures.note(change, now))
    for edit, name, service in edits:
        lease = registry.catalogue.find(name)
        if edit == "wait":
            now += 3.0
        elif edit == "grant":
            instance = admit(id=name, service=service, address="10.0.0.1", port=80, ttl=None)
            registry.grant(instance, now)
            ends = [end for end in ends if end[0] != name]
        elif lease is not None:
            was = lease.instance.service
            if edit == "revoke":
                registry.revoke(name, now)
                ends.append((name, was, now, ChangeKind.REMOVED))
            else:
                registry.end(name, ChangeKind.EXPIRED, registry.feed.revision + 1)
                ends.append((name, was, now, ChangeKind.EXPIRED))
        known = ends = [end for end in ends if now < end[2] + SECONDS][-MOST:]
        told = [(x.instance.id, x.instance.service, x.at, x.kind) for x in departures.all(now)]
        assert told == known
        for each in ("web", "db"):
            last = departures.last(each, now)
            of_service = [end for end in known if end[1] == each]
            assert (None if last is None else last.instance.id) == (
                of_service[-1][0] if of_service else None
            )
            assert (each in departures.services) == bool(of_service)
        assert len(departures) == len(known)
