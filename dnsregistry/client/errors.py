"""What can go wrong between a client and its registry."""


class ClientError(Exception):
    """Anything of this library's; the text is one sentence for people."""


class RegistryAway(ClientError):
    """No registry answered as one; trying again later may help.

    `retry_after` is what a registry asked for, in seconds, or None.
    """

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class DnsAway(ClientError):
    """No name server answered; trying again later may help."""


class Refused(ClientError):
    """The registry does not do what was asked; asking again does not help.

    `status` is that of HTTP and `type` the problem's (RFC 9457); `field` is the one at fault,
    where the registry names one.
    """

    def __init__(self, status: int, type: str, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.type = type
        self.field = field


class UnknownInstance(Refused):
    """The registry has no instance of this id: it was never there, or its lease has ended."""


class UnknownService(Refused):
    """The registry has no live instance of this service."""
