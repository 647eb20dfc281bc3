"""The door: which routes ask for whom, who a request is from, and on whose authority it writes.

Rules:
- A route that is not named here needs `read` where it only reads, and `admin` else.
- A token comes as `Authorization: Bearer`, nowhere else. A client certificate counts where no
  token is sent.
- Whoever is not known gets 401, whoever lacks the scope 403.
- An owner's secret comes in the header `X-Registry-Owner`; a registration may bring it in its body.
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import wraps
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import istr

from dnsregistry.access.audit import AuditLog
from dnsregistry.access.scopes import ADMIN, ANONYMOUS, NOBODY, READ, WRITE, Caller
from dnsregistry.access.tokens import InvalidToken, Tokens, TooManyAttempts
from dnsregistry.api.origin import SAFE_METHODS, check_page, refuse_pages
from dnsregistry.api.problems import (
    MISSING_SCOPE,
    TOO_MANY_ATTEMPTS,
    UNAUTHENTICATED,
    Fault,
    Problem,
    clip,
)
from dnsregistry.registry.errors import InvalidField, NotAllowed
from dnsregistry.registry.warrant import Warrant

OWNER_HEADER = istr("X-Registry-Owner")
SECRET_RULE = "must be 16 to 128 characters of ASCII that are not spaces, drawn at random"  # noqa: S105
_SECRET = re.compile(r"[\x21-\x7e]{16,128}")
_AUTHORIZATION = istr("Authorization")
_BEARER = "Bearer "
_CALLER = web.RequestKey("caller", Caller)
_CHALLENGE = 'Bearer realm="dnsregistry"'
_REFUSED = (401, 403, 429)


class Need(StrEnum):
    """What a route asks for."""

    NOTHING = "nothing"
    READ = READ
    # The scope for the service of each instance that is touched; asked for where that is known.
    WRITE = "write"
    ADMIN = ADMIN


_INSTANCE = "/v1/instances/{id}"
NEEDS: Mapping[tuple[str, str], Need] = {
    ("POST", f"{_INSTANCE}/heartbeat"): Need.WRITE,
    ("POST", "/v1/instances"): Need.WRITE,
    ("PUT", _INSTANCE): Need.WRITE,
    ("DELETE", _INSTANCE): Need.WRITE,
    ("PUT", f"{_INSTANCE}/status"): Need.WRITE,
    ("POST", "/v1/heartbeats"): Need.WRITE,
    ("DELETE", "/v1/services/{name}/guard"): Need.WRITE,
    # Whoever looks after the process has no token, and learns nothing of who is registered.
    ("GET", "/health"): Need.NOTHING,
    ("GET", "/ready"): Need.NOTHING,
    # Pages and documents hold nothing of the registry's; what they ask for needs a token.
    ("GET", "/"): Need.NOTHING,
    ("GET", "/openapi.json"): Need.NOTHING,
    ("GET", "/docs"): Need.NOTHING,
    ("GET", "/docs/{file}"): Need.NOTHING,
    ("GET", "/dashboard/{file}"): Need.NOTHING,
    ("GET", "/dashboard/views/{file}"): Need.NOTHING,
    ("GET", "/dashboard/vendor/{file}"): Need.NOTHING,
    # DNS has its own: ALLOW_QUERY.
    ("GET", "/dns-query"): Need.NOTHING,
    ("POST", "/dns-query"): Need.NOTHING,
}


def need_of(method: str, path: str) -> Need:
    """What a route asks for, by its path as the document has it."""
    return NEEDS.get((method, path), Need.READ if method in SAFE_METHODS else Need.ADMIN)


class Door:
    """Lets callers in by `tokens`; without any, everyone, but for owners' secrets."""

    def __init__(self, tokens: Tokens | None = None, audit: AuditLog | None = None) -> None:
        self._tokens = tokens
        self._audit = audit
        self._readers: dict[asyncio.BaseTransport | None, Caller] = {}
        if tokens is not None:
            tokens.when_replaced(self._cut_strangers)

    @property
    def audit(self) -> AuditLog | None:
        """Where writes are told."""
        return self._audit

    def protect(
        self, method: str, path: str, handler: Handler, pages: Callable[[str], bool] | None
    ) -> Handler:
        """The handler for those who may call it.

        `pages` tells the origins whose web pages may change something, None for all.
        """
        need = need_of(method, path)
        if method in SAFE_METHODS:
            pages = None
        if need is not Need.NOTHING and self._tokens is not None:
            handler = self._check(self._tokens, need, handler, pages)
        elif pages is not None:
            handler = refuse_pages(method, handler, pages)
        if method not in SAFE_METHODS and self._audit is not None:
            handler = self._watch(self._audit, handler)
        return handler

    def caller_of(self, request: web.Request) -> Caller:
        """Who it is from, once it is let in."""
        if self._tokens is None:
            return ANONYMOUS
        caller: Caller = request.get(_CALLER, NOBODY)
        return caller

    def warrant_of(self, request: web.Request) -> Warrant:
        """On whose authority it writes. Raises InvalidField for what can be no owner's secret."""
        caller = ANONYMOUS if self._tokens is None else request.get(_CALLER, NOBODY)
        warrant = caller.warrant
        secret = request.headers.get(OWNER_HEADER)
        if secret is None and self._audit is None:
            return warrant
        return Warrant(
            warrant.name,
            request.remote,
            warrant.reaches,
            () if secret is None else (check_secret(secret, OWNER_HEADER),),
            warrant.overrides,
        )

    def _check(
        self,
        tokens: Tokens,
        need: Need,
        handler: Handler,
        pages: Callable[[str], bool] | None,
    ) -> Handler:
        # One coroutine for all that is asked: each one more would be felt at every heartbeat.
        @wraps(handler)
        async def answer(request: web.Request) -> web.StreamResponse:
            header = request.headers.get(_AUTHORIZATION)
            if header is None:
                caller = _find_cert(tokens, request)
            else:
                token = _read_token(header)
                known = tokens.find(token)
                caller = await _verify(tokens, token, request) if known is None else known
            if pages is not None:
                check_page(request, pages)
            scopes = caller.scopes
            if need is Need.READ:
                if not scopes.reads:
                    raise refuse_scope(READ)
            elif not (scopes.can_write if need is Need.WRITE else scopes.is_admin):
                raise refuse_scope(WRITE if need is Need.WRITE else ADMIN)
            request[_CALLER] = caller
            if need is not Need.READ:
                return await handler(request)
            # A read may be a stream without an end.
            transport = request.transport
            self._readers[transport] = caller
            try:
                return await handler(request)
            finally:
                self._readers.pop(transport, None)

        return answer

    def _cut_strangers(self) -> None:
        """Cut the reads of those who are known no more, or as something else."""
        for transport, caller in tuple(self._readers.items()):
            known = self._tokens is not None and self._tokens.is_current(caller)
            if transport is not None and not known:
                # uvloop's transports are none of asyncio's classes.
                cast("asyncio.Transport", transport).abort()

    def _watch(self, audit: AuditLog, handler: Handler) -> Handler:
        """Tell of those who are turned away; what comes as far as the store is told there."""

        @wraps(handler)
        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except Problem as problem:
                if problem.kind.status in _REFUSED:
                    where = clip(request.path)
                    by = Warrant(self.caller_of(request).name, request.remote)
                    audit.refuse(by, request.method, problem.kind.type, path=where)
                raise

        return answer


def check_service(by: Warrant, service: str, field: str) -> None:
    """Raise Problem 403 where what a field names may not be written."""
    try:
        by.check_service(service.lower())
    except NotAllowed as fact:
        problem = refuse_scope(f"{WRITE}{fact.service}")
        faults = [Fault(field, problem.detail)]
        raise Problem(MISSING_SCOPE, faults=faults, headers=problem.headers) from None


def check_secret(secret: str, field: str) -> str:
    """An owner's secret as it may be. Raises InvalidField, which does not tell it."""
    if not _SECRET.fullmatch(secret):
        raise InvalidField(field, SECRET_RULE)
    return secret


def refuse_scope(scope: str) -> Problem:
    """403 (RFC 6750, 3.1)."""
    told = f'{_CHALLENGE}, error="insufficient_scope", scope="{clip(scope)}"'
    headers = {"WWW-Authenticate": told}
    detail = f"the scope {clip(scope)} is missing"
    if scope == WRITE:
        detail = "a scope write: of some services is missing"
    return Problem(MISSING_SCOPE, detail, headers=headers)


def _read_token(header: str) -> str:
    if header.startswith(_BEARER):
        return header[len(_BEARER) :].strip()
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise _refuse("the header Authorization must be Bearer and a token")
    return token.strip()


async def _verify(tokens: Tokens, token: str, request: web.Request) -> Caller:
    try:
        return await tokens.verify(token, request.remote or "")
    except InvalidToken:
        raise _refuse("nobody is known by this token", "invalid_token") from None
    except TooManyAttempts:
        detail = "too many tokens of this client were wrong, or wait to be looked at"
        raise Problem(TOO_MANY_ATTEMPTS, detail, headers={"Retry-After": "2"}) from None


def _find_cert(tokens: Tokens, request: web.Request) -> Caller:
    transport = request.transport
    peer = None if transport is None else transport.get_extra_info("peercert")
    if not peer:
        raise _refuse("a token is needed: Authorization: Bearer and the token")
    caller = tokens.find_cert(_list_names(peer))
    if caller is None:
        raise _refuse("nobody is known by a name in this certificate")
    return caller


def _list_names(certificate: Mapping[str, object]) -> Iterator[str]:
    """The common name and the subject's alternative names, in lower case."""
    for parts in _tuples(certificate.get("subject")):
        for kind, value in _tuples(parts):
            if kind == "commonName":
                yield str(value).lower()
    for _, value in _tuples(certificate.get("subjectAltName")):
        yield str(value).lower()


def _tuples(value: object) -> tuple[tuple[object, ...], ...]:
    return value if isinstance(value, tuple) else ()


def _refuse(detail: str, error: str | None = None) -> Problem:
    challenge = _CHALLENGE if error is None else f'{_CHALLENGE}, error="{error}"'
    return Problem(UNAUTHENTICATED, detail, headers={"WWW-Authenticate": challenge})
