"""Forms of what a registration holds, as the document tells them.

They judge nothing: the core's admission does, in sentences. Each form takes all that it takes.
"""

from typing import Annotated, Any

from pydantic import WithJsonSchema

from dnsregistry.registry.admission import (
    LONGEST_TTL,
    MOST_ADDRESSES,
    MOST_METADATA,
    MOST_PORTS,
    MOST_VERSION,
    PROTOCOLS,
    SHORTEST_TTL,
)
from dnsregistry.registry.names import (
    LABEL_OCTETS,
    NAME_OCTETS,
    RESERVED_SERVICES,
    UNDERSCORED_OCTETS,
)

_LABEL = "[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?"
# No underscore at the front; no space, slash, quote or backslash anywhere.
_ID = r"^[!#-&(-.0-\[\]-^`-~][!#-&(-.0-\[\]-~]*$"
_IPV6 = "^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$"
_HIGHEST = 65535

_Schema = dict[str, object]


def _label(most: int) -> _Schema:
    return {"type": "string", "minLength": 1, "maxLength": most, "pattern": f"^{_LABEL}$"}


def _number(least: int) -> _Schema:
    return {"type": "integer", "minimum": least, "maximum": _HIGHEST}


# With a dot at the end a host name has one more.
_HOST: _Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": NAME_OCTETS + 1,
    "pattern": rf"^{_LABEL}(\.{_LABEL})*\.?$|{_IPV6}",
}

Id = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": LABEL_OCTETS,
            "pattern": _ID,
            "not": {"enum": [".", ".."]},
        }
    ),
]
Service = Annotated[
    str, WithJsonSchema({**_label(UNDERSCORED_OCTETS), "not": {"enum": sorted(RESERVED_SERVICES)}})
]
# Their number is bounded after those that are given twice are left out.
Tags = Annotated[
    list[str],
    WithJsonSchema({"type": "array", "items": _label(LABEL_OCTETS)}),
]
Capabilities = Annotated[
    list[str],
    WithJsonSchema({"type": "array", "items": _label(UNDERSCORED_OCTETS)}),
]
Address = Annotated[
    str | list[str],
    WithJsonSchema(
        {
            "anyOf": [
                _HOST,
                {"type": "array", "items": _HOST, "minItems": 1, "maxItems": MOST_ADDRESSES},
            ]
        }
    ),
]
Port = Annotated[int, WithJsonSchema(_number(1))]
Ports = Annotated[
    dict[str, int],
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": MOST_PORTS,
            "propertyNames": _label(UNDERSCORED_OCTETS),
            "additionalProperties": _number(1),
        }
    ),
]
Share = Annotated[int, WithJsonSchema(_number(0))]
Protocol = Annotated[str, WithJsonSchema({"type": "string", "enum": list(PROTOCOLS)})]
MetadataForm = WithJsonSchema(
    {"type": "object", "additionalProperties": True, "maxProperties": MOST_METADATA}
)
Secret = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": "^[!-~]{16,128}$", "writeOnly": True})
]
Version = Annotated[str, WithJsonSchema({"type": "string", "maxLength": MOST_VERSION})]
Ttl = Annotated[
    float, WithJsonSchema({"type": "number", "minimum": SHORTEST_TTL, "maximum": LONGEST_TTL})
]


def forget_defaults(schema: dict[str, Any]) -> None:
    """Tell no defaults: clients would send them, and some say something else than nothing does."""
    for field in schema["properties"].values():
        field.pop("default", None)
