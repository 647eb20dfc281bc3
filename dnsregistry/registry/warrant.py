"""On whose authority something is changed, and what that allows.

Rules:
- A warrant reaches the services that it names; without any, all of them.
- An instance with an owner is changed, renewed and ended only with the owner's secret, or by a
  warrant that overrides. What is kept of the secret is a seal.
- A seal holds for one id: equal secrets of two instances look different.
- Secrets are compared in constant time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from hmac import compare_digest

from dnsregistry.registry.errors import NotAllowed, NotOwner
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.names import fold_id

SEAL_OCTETS = 16
"""Against guessing it is as good as the secret, which is to be drawn at random."""
_PERSON = b"registry owner"


def seal(secret: str, instance_id: str) -> str:
    """What is kept of an owner's secret, for one id in any case: 32 hexadecimal digits."""
    salt = blake2b(fold_id(instance_id).encode(), digest_size=blake2b.SALT_SIZE).digest()
    octets = secret.encode(errors="surrogatepass")
    return blake2b(octets, digest_size=SEAL_OCTETS, salt=salt, person=_PERSON).hexdigest()


@dataclass(frozen=True, slots=True)
class Warrant:
    """Who asks, from where, which services they reach, and the owners' secrets that they show.

    `reaches` is asked with a service in lower case; None: all. `overrides` needs no secret.
    """

    name: str = "anonymous"
    client: str | None = None
    reaches: Callable[[str], bool] | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    overrides: bool = False

    def check_service(self, service: str) -> None:
        """Raise NotAllowed for a service that it does not reach."""
        if self.reaches is not None and not self.reaches(service):
            raise NotAllowed(service)

    def check(self, held: Instance, given: str | None = None) -> None:
        """Raise NotAllowed or NotOwner for an instance that is held and may not be changed.

        `given` is the seal that comes with another description of it: the same one is a proof.
        """
        if self.reaches is not None and not self.reaches(held.service):
            raise NotAllowed(held.service)
        if held.owner is not None and not self._opens(held.id, held.owner, given):
            raise NotOwner(held.id)

    def allows(self, held: Instance) -> bool:
        """Whether `check` would let it pass."""
        try:
            if self.reaches is not None or held.owner is not None:
                self.check(held)
        except (NotAllowed, NotOwner):
            return False
        return True

    def seals(self, instance_id: str) -> list[str]:
        """Its secrets as seals of one id."""
        return [seal(secret, instance_id) for secret in self.secrets]

    def _opens(self, instance_id: str, owner: str, given: str | None) -> bool:
        shown = self.seals(instance_id) if given is None else [given, *self.seals(instance_id)]
        # All are compared, whichever it is.
        return self.overrides or sum(compare_digest(owner, one) for one in shown) > 0


ANYONE = Warrant()
"""Reaches every service, shows no secret."""
HOUSE = Warrant("registry", overrides=True)
"""What the registry itself does: its checks, say."""
