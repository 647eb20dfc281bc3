"""Every kind of probe behind one call: a target asked once, within a time."""

import asyncio
from collections.abc import Sequence
from time import perf_counter

import structlog

from dnsregistry.health.outcome import Forbidden, NotAsked, Outcome, ProbeFailed
from dnsregistry.health.probing.connect import Connector, Resolver, is_our_lack
from dnsregistry.health.probing.dns import probe_dns
from dnsregistry.health.probing.grpc import probe_grpc
from dnsregistry.health.probing.http import HttpProber
from dnsregistry.health.probing.tcp import probe_tcp
from dnsregistry.health.tally import HealthTally
from dnsregistry.health.targets import TargetPolicy
from dnsregistry.registry.check import DnsProbe, GrpcProbe, HttpProbe, Place, Probe, TcpProbe

log = structlog.get_logger("dnsregistry.health")


class Probes:
    """Makes probes; `ask` raises nothing but NotAsked."""

    def __init__(self, policy: TargetPolicy, resolver: Resolver, tally: HealthTally) -> None:
        self._connector = Connector(policy, resolver)
        self._http = HttpProber(self._connector)
        self._tally = tally

    async def ask(self, probe: Probe, places: Sequence[Place], patience: float) -> Outcome:
        """Probe the first of the places that can be reached; `patience` is for all of it.

        Raises NotAsked.
        """
        begun = perf_counter()
        passed = False
        try:
            async with asyncio.timeout(patience):
                reason = await self._ask(probe, places)
            passed = True
        except TimeoutError:
            reason = f"no whole answer within {patience:g} s"
        except Forbidden as error:
            self._tally.refused += 1
            reason = str(error)
        except ProbeFailed as error:
            reason = str(error)
        except OSError as error:
            if is_our_lack(error):
                raise NotAsked(error.strerror) from None
            reason = (error.strerror or str(error) or type(error).__name__).lower()
        except Exception:
            self._tally.faults += 1
            log.exception("a probe failed in itself", probe=type(probe).__name__)
            reason = "the probe failed in itself; the registry's log has the cause"
        return Outcome(passed, perf_counter() - begun, reason)

    async def close(self) -> None:
        """Close the connections that are kept."""
        await self._http.close()
        self._connector.close()

    async def _ask(self, probe: Probe, places: Sequence[Place]) -> str:
        match probe:
            case HttpProbe():
                return await self._http.probe(probe, places)
            case TcpProbe():
                return await probe_tcp(self._connector, probe, places)
            case GrpcProbe():
                return await probe_grpc(self._connector, probe, places)
            case DnsProbe():
                return await probe_dns(self._connector, probe, places)
        raise ProbeFailed("there is no such probe")
