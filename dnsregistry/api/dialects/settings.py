"""The settings of the dialects.

Each is a flag, a DNSREGISTRY_ variable and a key of the file like all settings; the documents'
own variables fill them while their dialect is on (`variables.py`).
"""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from dnsregistry.api.dialects.known import USUAL_PORTS
from dnsregistry.api.dialects.places import Place, parse_places
from dnsregistry.registry.admission import LONGEST_TTL, SHORTEST_TTL


class DialectSettings(BaseSettings):
    """What `serve` can be told about dialects."""

    dialects: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Dialects to speak, comma-separated: name, name:port, name:host:port, or"
        f" all; there are {', '.join(USUAL_PORTS)}.",
    )
    base_url_ttl: float = Field(
        30,
        ge=SHORTEST_TTL,
        le=LONGEST_TTL,
        description="Seconds without a heartbeat until an instance of base-url expires"
        " (HEARTBEAT_TIMEOUT).",
    )
    base_url_cleanup: float = Field(
        10,
        gt=0,
        description="Told by base-url as its clean-up interval, and nothing else: what expires"
        " is gone at once (CLEANUP_INTERVAL).",
    )

    @field_validator("dialects", mode="before")
    @classmethod
    def _split_dialects(cls, value: object) -> object:
        entries = value.split(",") if isinstance(value, str) else value
        if not isinstance(entries, list | tuple):
            raise ValueError("must be names of dialects")
        texts = [str(entry).strip() for entry in entries]
        return tuple(map(str, parse_places([text for text in texts if text], USUAL_PORTS)))

    @property
    def places(self) -> tuple[Place, ...]:
        """The dialects that are on, and what is said of where."""
        return parse_places(self.dialects, USUAL_PORTS)
