"""The settings of watching."""

from pydantic import Field
from pydantic_settings import BaseSettings


class WatchSettings(BaseSettings):
    """What `serve` can be told about streams of changes and reads that wait."""

    watch_streams: int = Field(
        2000,
        ge=0,
        le=100_000,
        description="Streams of /v1/watch and reads that wait, at once; more are refused.",
    )
    watch_streams_per_client: int = Field(
        500, ge=0, le=100_000, description="Of these, those from one address."
    )
    watch_history: int = Field(
        10_000,
        ge=0,
        le=1_000_000,
        description="Changes that are remembered for watchers who come back.",
    )
    watch_heartbeat: float = Field(
        15, ge=0.05, le=3600, description="Seconds of silence on a stream, at most."
    )
    watch_patience: float = Field(
        30,
        ge=0.05,
        le=3600,
        description="Seconds after which a watcher that does not read is cut.",
    )
