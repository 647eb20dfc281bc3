"""`dnsregistry serve`: run the registry."""

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import structlog

from dnsregistry.cli.loop import choose_loop
from dnsregistry.cli.options import add_document_flags, add_settings, check_document_flags
from dnsregistry.garbage import Sweeper, calm_collector
from dnsregistry.log.configure import Log, configure
from dnsregistry.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from dnsregistry.binding import Listening

log = structlog.get_logger("dnsregistry")


@click.command()
@click.option("--config", type=click.Path(path_type=Path), help="TOML file with settings.")
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path),
    help="Write the bound ports there, as JSON, once all listeners accept.",
)
@click.option("--demo", is_flag=True, help="Register a few instances that answer and live.")
@add_settings
@add_document_flags
def serve(
    config: Path | None,
    ready_file: Path | None,
    demo: bool,
    document_flags: Mapping[str, str],
    **flags: Any,
) -> None:
    """Run the registry until SIGTERM, SIGINT or SIGHUP.

    A flag goes over its environment variable, that over the file, that over the default.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        settings, warnings = load(given, {**os.environ, **document_flags}, config)
        check_document_flags(document_flags, settings)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    if demo and settings.tokens_file is not None:
        raise click.ClickException("--demo registers without a token; leave TOKENS_FILE out")
    with closing(configure(settings.log_format, settings.log_level)) as told:
        for warning in warnings:
            log.warning(warning)
        _run(settings, ready_file, told, demo=demo)


def _run(settings: Settings, ready_file: Path | None, told: Log, *, demo: bool) -> None:
    # Costs half a second to import, which no other command and no help text should pay.
    from dnsregistry.api.tracing import TracingAway
    from dnsregistry.servers.sockets import ListenError
    from dnsregistry.storage.errors import StoreError

    _raise_file_limit()
    calm_collector()
    kind = choose_loop()
    try:
        with asyncio.Runner(loop_factory=kind.make) as runner:
            runner.run(_serve(settings, ready_file, told, demo, kind.name))
    except (ListenError, StoreError, TracingAway) as error:
        raise click.ClickException(str(error)) from None


async def _serve(
    settings: Settings, ready_file: Path | None, told: Log, demo: bool, loop_name: str
) -> None:
    from dnsregistry.app import App
    from dnsregistry.clock import start_clock

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _find_ends():
        loop.add_signal_handler(number, stopped.set)
    _warn_of_multicast(settings.zone)
    async with AsyncExitStack() as running:
        app = App(settings, start_clock(), told)
        app.registry.feed.subscribe(Sweeper().note)
        listening = await app.start()
        running.push_async_callback(app.stop)
        for host, port in listening.dns:
            _tell(f"dns   {_join(host, port)} udp tcp")
        for host, port in listening.dot:
            _tell(f"dot   {_join(host, port)} tls")
        _tell(f"http  http://{_join(*listening.http)}")
        if listening.https:
            _tell(f"https https://{_join(*listening.https)}")
        for name, bound in listening.dialects.items():
            _tell(f"{name} {_join(*bound)}")
        if demo:
            from dnsregistry.cli.demo import Demo

            shown = Demo(settings.zone, listening.dns[0], listening.http)
            running.push_async_callback(shown.stop)
            await shown.start()
            _tell(shown.describe())
        if ready_file:
            _write_ready_file(ready_file, listening)
        log.info("serving", loop=loop_name)
        await stopped.wait()
        log.info("stopping")


def _find_ends() -> list[signal.Signals]:
    """The signals that stop it."""
    ends = [signal.SIGTERM, signal.SIGINT]
    # A terminal that is closed sends it to whoever does not ignore it, as what nohup starts does.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        ends.append(signal.SIGHUP)
    return ends


def _raise_file_limit() -> None:
    """Take as many open files as may be had: each connection and upstream question is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        log.warning("the limit of open files stays as it was")


def _warn_of_multicast(zone: str) -> None:
    if zone == "local" or zone.endswith(".local"):
        log.warning(
            "names under .local belong to multicast DNS (RFC 6762), and many desktops ask no"
            " server for them; ZONE=registry.internal avoids that",
            zone=zone,
        )


def _write_ready_file(path: Path, listening: "Listening") -> None:
    content = {
        "pid": os.getpid(),
        "dns": [{"host": host, "port": port} for host, port in listening.dns],
        "dot": [{"host": host, "port": port} for host, port in listening.dot],
        "http": {"host": listening.http[0], "port": listening.http[1]},
        "https": listening.https and {"host": listening.https[0], "port": listening.https[1]},
        "dialects": {
            name: {"host": host, "port": port} for name, (host, port) in listening.dialects.items()
        },
    }
    # Whoever waits for the file must never read half of it.
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        partial.write_text(json.dumps(content) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise click.ClickException(f"cannot write --ready-file {path}: {error.strerror}") from None


def _join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _tell(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()
