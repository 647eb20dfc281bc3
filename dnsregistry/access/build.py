"""Who may do what, built from the settings."""

from collections.abc import Callable, Iterable, Mapping

from dnsregistry.access.audit import Audited, AuditLog
from dnsregistry.access.crowd import Crowd
from dnsregistry.access.file import TokensFile
from dnsregistry.access.scopes import match_any
from dnsregistry.access.settings import AccessSettings, AuditLevel
from dnsregistry.access.tokens import Tokens
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.store import Store


class Callers:
    """Those of the tokens file, which is followed; `tokens` is None where none is asked for."""

    def __init__(self, settings: AccessSettings, now: Callable[[], float]) -> None:
        self.audit = None if settings.audit is AuditLevel.OFF else AuditLog()
        self.crowd = Crowd(settings.http_connections, settings.http_connections_per_client)
        self.tokens: Tokens | None = None
        self._settings = settings
        self._now = now
        self._file = None if settings.tokens_file is None else TokensFile(settings.tokens_file)

    def load(self) -> None:
        """Read the file. Raises TokensFault."""
        if self._file is not None:
            self.tokens = Tokens(self._file.load(), self._now)

    async def follow(self) -> None:
        """Follow the file, until cancelled."""
        if self._file is not None and self.tokens is not None:
            await self._file.follow(self.tokens.replace)

    def stop(self) -> None:
        """Verify nothing more."""
        if self.tokens is not None:
            self.tokens.stop()

    def audited(self, store: Store, registry: Registry) -> Store:
        """The store, its changes told where that is asked for."""
        if self.audit is None:
            return store
        heartbeats = self._settings.audit is AuditLevel.ALL
        return Audited(store, registry, self.audit, heartbeats=heartbeats)

    @property
    def dialects_reach(self) -> Callable[[str], bool] | None:
        """Which services dialects' clients may write; None: all."""
        return None if self._file is None else match_any(self._settings.dialects_open)

    def problems(self) -> Iterable[str]:
        """Why the file is not followed at the moment."""
        problem = None if self._file is None else self._file.problem
        return () if problem is None else (f"TOKENS_FILE: {problem}; the tokens of before count",)

    def tell(self) -> Mapping[str, object]:
        """The numbers, as JSON can have them."""
        told: dict[str, object] = {
            "connections": self.crowd.connections,
            "refused_connections": self.crowd.refused,
        }
        if self.tokens is not None:
            tally = self.tokens.tally
            told["tokens"] = {
                "known": len(self.tokens),
                "hashed": tally.hashed,
                "invalid": tally.invalid,
                "turned_away": tally.turned_away,
            }
        return told
