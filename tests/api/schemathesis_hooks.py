"""What schemathesis is told beside the document, by SCHEMATHESIS_HOOKS."""

import re
from typing import Any

import schemathesis
from dnslib import DNSRecord
from hypothesis import strategies as st
from schemathesis import CheckContext, Response
from schemathesis.specs.openapi import media_type

DNS_MESSAGE = "application/dns-message"
_DURATION = r"[0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h)?"


def _ask(name: str, rtype: str) -> bytes:
    return bytes(DNSRecord.question(name, rtype).pack())


_NAMES = ("registry.local", "user-service.registry.local", "nothing.registry.local", "example.org")
media_type(
    DNS_MESSAGE,
    st.binary(max_size=600)
    | st.builds(_ask, st.sampled_from(_NAMES), st.sampled_from(("A", "SRV", "TXT", "ANY", "SOA"))),
)


@schemathesis.serializer(DNS_MESSAGE)
def _write_message(_context: Any, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """A read may wait for minutes, and would: what is made up does not change what it reads."""
    query = case.query or {}
    if re.fullmatch(_DURATION, str(query.get("wait", ""))):
        query["wait"] = "1ms"


@schemathesis.check
def problem_types(_context: CheckContext, response: Response, case: Any) -> None:
    """A problem is of a kind that the document names for this operation and status."""
    kind = response.headers.get("content-type", [""])[0]
    if not kind.startswith("application/problem+json"):
        return
    responses = case.operation.definition.raw["responses"]
    described = responses.get(str(response.status_code), {}).get("content", {}).get(kind, {})
    told = response.json()["type"]
    assert told in described.get("examples", {}) or response.status_code == 405, told
