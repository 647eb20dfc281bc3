"""Two replicas over a store that loses, repeats, swaps and delays, against a plain model.

The model numbers every operation. Whatever happens, a key must end in the state of an operation
that is at least as late as the latest that a surviving replica, or the surviving store, knew of
when something was lost. Where nothing was lost that is the last operation of all.
"""

from collections.abc import Coroutine
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dnsregistry.registry.admission import admit
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.cluster.joining import Joining
from dnsregistry.storage.cluster.link import LinkDown
from dnsregistry.storage.cluster.replica import Hole, Replica
from dnsregistry.storage.cluster.scripts import load_scripts
from dnsregistry.storage.cluster.timing import StoreClock
from dnsregistry.storage.cluster.wire import label_of, read_change, ttl_of, write_body, write_state
from dnsregistry.storage.cluster.writer import Behind
from tests.cluster.simulated import SimulatedLink, SimulatedStore, State, step

IDS = ("a", "b", "c")
SCRIPTS = load_scripts()
NODES = st.integers(0, 1)
TTLS = st.sampled_from([None, 1.0, 5.0])


class Node:
    """One node: its replica, its link, and the coming to the store that is under way."""

    def __init__(self, name: str, store: SimulatedStore, ahead: float) -> None:
        self.name = name
        self.store = store
        self.draws = 0
        self.ahead = ahead
        self.registry = Registry()
        self.registry.hand_over()
        self.replica = Replica(self.registry)
        self.replica.is_followed = True
        self.clock = StoreClock(lambda: store.time / 1000 + ahead)
        self.known: dict[str, int] = {}
        self.beaten: dict[str, float] = {}
        self.link: SimulatedLink | None = None
        self.coming: Coroutine[Any, Any, int] | None = None
        self.is_up = False
        self.joining = Joining(
            name, self.registry, self.replica, self.clock, SCRIPTS, self.draw, lambda: 7, _pause
        )

    def draw(self) -> str:
        self.draws += 1
        return f"{self.name}-{self.draws}"

    def connect(self) -> None:
        self.close()
        self.link = SimulatedLink(self.store, self.known)
        self.coming = self.joining.join(self.link, self.beaten)  # type: ignore[arg-type]

    def close(self) -> None:
        if self.coming is not None:
            self.coming.close()
            self.coming = None

    def cut(self) -> None:
        self.is_up = False
        if self.link is not None:
            self.link.is_cut = True

    def take_steps(self, most: int) -> None:
        """Let the coming go on for some steps; what is cut ends at its next call."""
        for _ in range(most):
            if self.coming is None:
                return
            try:
                self.coming.send(None)
            except StopIteration:
                self.coming, self.is_up = None, True
                self.beaten.clear()
                self._learn()
            except Behind:
                self.coming = None
                self.connect()
            except LinkDown:
                self.coming = None

    def apply(self, entry: tuple[int, Any]) -> None:
        revision, fields = entry
        change = read_change(f"0-{revision}".encode(), fields)
        if self.replica.apply(change, self.clock.to_local):
            self._learn()

    def held(self) -> dict[str, int]:
        leases = self.registry.catalogue.after(0)
        return {lease.instance.id: lease.instance.port for lease in leases}

    def _learn(self) -> None:
        """Know of each key what the store's history says up to the replica's revision."""
        for revision, key, op in self.store.state.history:
            if revision <= self.replica.revision:
                self.known[key] = op


async def _pause(_: float) -> None:
    await step()


class Replicas(RuleBasedStateMachine):
    """Ports are the numbers of the operations, so that what is held tells which one made it."""

    def __init__(self) -> None:
        super().__init__()
        self.store = SimulatedStore()
        self.nodes = [Node("n0", self.store, 0.0), Node("n1", self.store, 3600.0)]
        self.restarts = 0
        self.op = 0
        self.floor: dict[str, int] = {}
        self.pasts: list[State] = []
        self.serial = [0, 0]
        for node in self.nodes:
            node.connect()
            node.take_steps(1000)

    @rule(place=NODES, id=st.sampled_from(IDS), ttl=TTLS)
    def put(self, place: int, id: str, ttl: float | None) -> None:
        node = self.nodes[place]
        if not node.is_up:
            return
        self.op += 1
        instance = admit(id=id, service="web", address="10.0.0.1", port=self.op, ttl=ttl)
        state, body = write_state(instance), write_body(instance)
        words = (id, label_of(id), ttl_of(instance), state, "*", body)
        given = [node.replica.epoch, f"op-{self.op}", "", *map(str, words)]
        if self.store.run("put", given, self.op) == [b"epoch"]:
            self._rejoin(node)

    @rule(place=NODES, id=st.sampled_from(IDS))
    def revoke(self, place: int, id: str) -> None:
        node = self.nodes[place]
        if not node.is_up:
            return
        self.op += 1
        given = [node.replica.epoch, f"op-{self.op}", id, "", "*"]
        if self.store.run("revoke", given, self.op) == [b"epoch"]:
            self._rejoin(node)

    @rule(place=NODES, id=st.sampled_from(IDS))
    def beat(self, place: int, id: str) -> None:
        node = self.nodes[place]
        if node.is_up:
            if self.store.run("renew", [node.replica.epoch, id], 0) == [b"epoch"]:
                self._rejoin(node)
        elif id in node.held():
            node.beaten[id] = node.clock.now()

    @rule(place=NODES, most=st.integers(1, 4), fault=st.sampled_from(["", "", "", "lose", "swap"]))
    def deliver(self, place: int, most: int, fault: str) -> None:
        """Some of the log reaches a node: once or twice, in order or not, whole or not."""
        node = self.nodes[place]
        if not node.is_up:
            return
        batch = [item for item in self.store.state.log if item[0] > node.replica.revision][:most]
        batch += batch[:1]
        if fault == "lose":
            del batch[:1]
        elif fault == "swap":
            batch[:2] = reversed(batch[:2])
        try:
            for entry in batch:
                node.apply(entry)
        except Hole:
            self._rejoin(node)

    @rule(place=NODES, most=st.just("1"))
    def tick(self, place: int, most: str) -> None:
        node = self.nodes[place]
        if not node.is_up:
            return
        self.op += 1
        words = [node.replica.epoch, node.name, node.replica.revision, node.replica.past.nonce()]
        reply = self.store.run("tick", [*map(str, words), "reap", most], self.op)
        if reply[0] != b"same":
            self._rejoin(node)

    @rule(ms=st.sampled_from([50, 400, 900, 6000]))
    def wait(self, ms: int) -> None:
        self.store.time += ms

    @rule(place=NODES)
    def cut(self, place: int) -> None:
        self.nodes[place].cut()

    @rule(place=NODES)
    def connect(self, place: int) -> None:
        node = self.nodes[place]
        if not node.is_up and node.coming is None:
            node.connect()

    @rule(place=NODES, most=st.integers(1, 12))
    def go_on(self, place: int, most: int) -> None:
        self.nodes[place].take_steps(most)

    @rule(place=NODES)
    def restart(self, place: int) -> None:
        """A node is killed: what it alone knew is gone with it."""
        self.restarts += 1
        self.nodes[place].close()
        self.nodes[place] = Node(f"n{place}-{self.restarts}", self.store, 3600.0 * place)
        self.serial[place] = 0
        for key, floor in self.floor.items():
            self.floor[key] = min(floor, self._latest(key))

    @rule()
    def remember(self) -> None:
        """What the disk or a replica of the store has."""
        self.pasts = [*self.pasts[-3:], self.store.copy()]

    @rule(place=st.integers(0, 3), cuts=st.booleans())
    def lose(self, place: int, cuts: bool) -> None:
        """The store is back with what it had a while ago, or with nothing."""
        if any(node.coming is not None for node in self.nodes):
            # Two losses at once are more than the cluster promises to survive.
            return
        if self.store.state.lock is not None or self._is_loss_open():
            return
        survivor = self.pasts[place] if place < len(self.pasts) else State()
        lost_all = not survivor.meta
        self.pasts = []
        before = dict(self.store.state.ops)
        self.store.state = survivor
        self.store.server += 1
        for node in self.nodes:
            if cuts or lost_all:
                node.cut()
        for key in before:
            # A lease that has expired may be back by a heartbeat that was refused.
            latest = self._latest(key)
            self.floor[key] = self.store.expired.get((key, latest), latest)

    @rule(place=NODES, id=st.sampled_from(IDS), ms=st.sampled_from([50, 900]), cuts=st.booleans())
    def fail_over(self, place: int, id: str, ms: int, cuts: bool) -> None:
        """A replica takes over that lacks the last heartbeat."""
        for each in range(len(self.nodes)):
            self.deliver(each, 4, "")
            self.tick(each, "0")
        self.remember()
        self.beat(place, id)
        self.wait(ms)
        self.lose(len(self.pasts) - 1, cuts)

    @rule(most=st.integers(1, 3))
    def trim(self, most: int) -> None:
        if not self._is_loss_open():
            # The log goes back much further than the time in which a loss is noticed.
            del self.store.state.log[:-most]

    @rule()
    def come_to_rest(self) -> None:
        """Let everything that is on its way arrive, and compare."""
        for _ in range(6):
            for node in self.nodes:
                self._settle(node)
        epoch, state = self.store.state.meta["epoch"], self.store.state
        held = {key: _port(value.body) for key, value in state.held.items()}
        for node in self.nodes:
            assert node.replica.epoch == epoch
            assert node.replica.revision == self.store.last
            assert node.held() == held
        for key, floor in self.floor.items():
            if key in held:
                assert state.ops[key] >= floor
            else:
                ends = {op for name, op, stays in self.store.outcomes if name == key and not stays}
                assert not floor or max(ends, default=0) >= floor
        for key, port in held.items():
            assert state.ops[key] == port

    @invariant()
    def a_revision_that_was_told_never_goes_back(self) -> None:
        for place, node in enumerate(self.nodes):
            told = node.registry.feed.revision
            assert told >= self.serial[place]
            assert node.replica.revision <= told
            self.serial[place] = told

    def teardown(self) -> None:
        self.come_to_rest()
        for node in self.nodes:
            node.close()

    def _settle(self, node: Node) -> None:
        for _ in range(50):
            if not node.is_up and node.coming is None:
                node.connect()
            # The other one may hold the lock, and must be let go on; or be gone with it.
            self.store.time += 500
            for each in self.nodes:
                each.take_steps(200)
            if not node.is_up:
                continue
            try:
                for entry in tuple(self.store.state.log):
                    node.apply(entry)
            except Hole:
                self._rejoin(node)
                continue
            self.op += 1
            place = [node.replica.revision, node.replica.past.nonce()]
            words = [node.replica.epoch, node.name, *place, "reap", "0"]
            if self.store.run("tick", list(map(str, words)), self.op)[0] != b"same":
                self._rejoin(node)
                continue
            return
        raise AssertionError("it does not come to rest")

    def _rejoin(self, node: Node) -> None:
        node.cut()
        node.connect()

    def _latest(self, key: str) -> int:
        """The latest operation on a key that the store or a replica knows of."""
        known = [node.known.get(key, 0) for node in self.nodes if node.replica.is_loaded]
        return max(self.store.state.ops.get(key, 0), *known, 0)

    def _is_loss_open(self) -> bool:
        """Whether some loaded node has not come to the store of now."""
        state = self.store.state
        nonces = {revision: fields[b"n"].decode() for revision, fields in state.log}
        return any(
            node.replica.is_loaded
            and (
                node.replica.epoch != state.meta.get("epoch")
                or nonces.get(node.replica.revision, "") != node.replica.past.nonce()
            )
            for node in self.nodes
        )


def test_a_lease_outlives_a_failover_that_lost_its_heartbeat() -> None:
    replicas = Replicas()
    replicas.put(0, "a", 1.0)
    replicas.wait(900)
    replicas.fail_over(place=0, id="a", ms=50, cuts=False)
    for _ in range(3):
        replicas.wait(50)
        replicas.tick(0, "1")
    assert list(replicas.store.state.held) == ["a"]
    replicas.teardown()


def _port(body: str) -> int:
    import json

    port: int = json.loads(body)["port"]
    return port


TestReplicas = Replicas.TestCase
TestReplicas.settings = settings(max_examples=2000, stateful_step_count=40, deadline=None)
