"""The facts that the core raises. One table each turns them into HTTP and into DNS."""


class RegistryError(Exception):
    """Any fact that keeps the registry from doing what it was asked."""


class InvalidField(RegistryError):
    """A field of a registration breaks a rule. Nothing was changed."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class UnknownInstance(RegistryError):
    """No live lease has this id: it never had one, was revoked, or has expired."""

    def __init__(self, instance_id: str) -> None:
        super().__init__(f"no live instance has the id {instance_id!r}")
        self.instance_id = instance_id


class RevisionDiffers(RegistryError):
    """An instance is not in the revision that a change of it expected. Nothing was changed.

    `revision` is the one that it has, None where no live instance has the id.
    """

    def __init__(self, instance_id: str, revision: int | None) -> None:
        found = "no live instance" if revision is None else f"in revision {revision}"
        super().__init__(f"{instance_id!r} is {found}, which is not what was expected")
        self.instance_id = instance_id
        self.revision = revision


class NotAllowed(RegistryError):
    """Whoever asks may not change what belongs to this service. Nothing was changed."""

    def __init__(self, service: str) -> None:
        super().__init__(f"the scope write:{service} is missing")
        self.service = service


class NotOwner(RegistryError):
    """The instance has an owner, whose secret was not shown. Nothing was changed."""

    def __init__(self, instance_id: str) -> None:
        super().__init__(f"the instance {instance_id!r} is changed with its owner's secret only")
        self.instance_id = instance_id


class UnknownService(RegistryError):
    """No live instance belongs to this service."""

    def __init__(self, service: str) -> None:
        super().__init__(f"no live instance belongs to the service {service!r}")
        self.service = service
