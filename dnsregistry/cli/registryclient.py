"""The registry over HTTP, for commands: one request, and one sentence where it fails.

Which registry it is comes from `--url` or DNSREGISTRY_URL, and with what right one asks from
`--token` or DNSREGISTRY_TOKEN.
"""

import asyncio
import json
import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from dnsregistry.cli.table import plain
from dnsregistry.settings import PREFIX

if TYPE_CHECKING:
    from aiohttp import ClientResponse

DEFAULT_URL = "http://127.0.0.1:8053"
SECONDS = 30.0
"""For a request to be answered: more than any takes that is not stuck."""

Command = Callable[..., Any]


class RegistryError(click.ClickException):
    """A request that came to nothing; the text is one sentence. Exit code 1."""


@dataclass(frozen=True, slots=True)
class RegistryClient:
    """Where a registry is, and with what right it is asked.

    `ca_file` holds the certificates that an https URL is trusted by; None: the system's.
    """

    url: str = DEFAULT_URL
    token: str | None = None
    ca_file: Path | None = None

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """GET a path, and return its JSON. Raises RegistryError."""
        return self._call("GET", path, parameters, None)

    def post(self, path: str, body: object, parameters: Mapping[str, str] | None = None) -> Any:
        """POST JSON to a path, and return the JSON that answers it. Raises RegistryError."""
        return self._call("POST", path, parameters, body)

    def _call(
        self, verb: str, path: str, parameters: Mapping[str, str] | None, body: object
    ) -> Any:
        try:
            return asyncio.run(self._request(verb, path, parameters or {}, body))
        except TimeoutError:
            raise RegistryError(f"{self.url} did not answer within {SECONDS:.0f} s") from None

    async def _request(
        self, verb: str, path: str, parameters: Mapping[str, str], body: object
    ) -> Any:
        # Costs half a second to import, which no help text should pay.
        from aiohttp import ClientError, ClientSession, ClientTimeout, InvalidURL

        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        timeout = ClientTimeout(total=SECONDS)
        url = f"{self.url.rstrip('/')}{path}"
        try:
            async with (
                ClientSession(headers=headers, timeout=timeout) as session,
                session.request(
                    verb, url, params=parameters, json=body, ssl=self._make_context()
                ) as response,
            ):
                return await self._read(response)
        except InvalidURL:
            raise RegistryError(f"{self.url} is no URL of a registry") from None
        except ClientError as error:
            raise RegistryError(
                f"no registry answers at {self.url}: {_tell_error(error)}; is `dnsregistry serve`"
                f" running there? --url or {PREFIX}URL says where it is"
            ) from None

    async def _read(self, response: "ClientResponse") -> Any:
        kind, text = response.content_type, await response.text(errors="replace")
        try:
            told = json.loads(text) if kind.endswith("json") else None
        except ValueError:
            told = None
        if told is None:
            raise RegistryError(f"{self.url} is no registry: it answers {response.status} {kind}")
        if response.status < 400:
            return told
        raise RegistryError(_tell_problem(told, response.status))

    def _make_context(self) -> ssl.SSLContext | bool:
        if self.ca_file is None:
            return True
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except ssl.SSLError:
            reason = "it holds no certificate"
        except OSError as error:
            reason = error.strerror or str(error)
        raise RegistryError(f"cannot use --ca-file {self.ca_file}: {reason}")


def add_registry_options(command: Command) -> Command:
    """Give a command --url, --token and --ca-file; it is called with one `client` of them."""

    def call(*given: Any, url: str, token: str | None, ca_file: Path | None, **values: Any) -> Any:
        return command(*given, client=RegistryClient(url, token, ca_file), **values)

    call.__name__, call.__doc__ = command.__name__, command.__doc__
    call.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    options = (
        click.option(
            "--url",
            envvar=f"{PREFIX}URL",
            default=DEFAULT_URL,
            show_default=True,
            show_envvar=True,
            callback=_check_url,
            help="Where the registry answers HTTP.",
        ),
        click.option(
            "--token",
            envvar=f"{PREFIX}TOKEN",
            show_envvar=True,
            help="Bearer token; better said by the variable, which other users cannot see.",
        ),
        click.option(
            "--ca-file",
            envvar=f"{PREFIX}CA_FILE",
            show_envvar=True,
            type=click.Path(path_type=Path),
            help="Certificates, PEM, that an https URL is trusted by; default: the system's.",
        ),
    )
    wrapped: Command = call
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def _check_url(_context: click.Context, _option: click.Parameter, url: str) -> str:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for one that is none
    except ValueError as error:
        raise click.BadParameter(f"{url}: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.BadParameter(f"{url!r} is not of the form http://HOST:PORT")
    return url


def _tell_error(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number).lower() if isinstance(number, int) and number > 0 else str(error)


def _tell_problem(told: object, status: int) -> str:
    if not isinstance(told, Mapping) or "title" not in told:
        return f"the registry answers {status}"
    title, detail = str(told["title"]), str(told.get("detail") or "")
    return plain(f"{title}: {detail}" if detail and detail != title else title)
