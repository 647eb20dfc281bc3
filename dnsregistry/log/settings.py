"""The settings of what is told about the program while it runs."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from dnsregistry.log.form import LogFormat, Logged, LogLevel


class LogSettings(BaseSettings):
    """What `serve` can be told about its log and its traces."""

    log_format: LogFormat = Field(
        LogFormat.CONSOLE,
        description="Form of the log's lines: console for people, coloured on a terminal, or json.",
    )
    log_level: LogLevel = Field(
        LogLevel.INFO, description="Least grave lines of the log: debug, info, warning or error."
    )
    http_log: Logged = Field(
        Logged.OFF,
        description="HTTP requests in the log: off, errors (status 400 and above) or all.",
    )
    query_log: Logged = Field(
        Logged.OFF,
        description="DNS questions in the log: off, errors (every rcode but NOERROR and NXDOMAIN)"
        " or all.",
    )
    query_log_sample: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(
        1, description="Of the questions that QUERY_LOG names one in so many is logged, by chance."
    )
    otel_endpoint: str = Field(
        "",
        description="Where traces of HTTP requests are sent: the URL of an OTLP receiver"
        " over HTTP, such as http://127.0.0.1:4318; empty: nowhere. Needs the extra otel.",
    )

    @field_validator("log_format", "log_level", "http_log", "query_log", mode="before")
    @classmethod
    def _fold(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("otel_endpoint")
    @classmethod
    def _check_endpoint(cls, text: str) -> str:
        parts = urlsplit(text)
        if text and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("is no URL of the form http://HOST:PORT")
        return text.rstrip("/")
