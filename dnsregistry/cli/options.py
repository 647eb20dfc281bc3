"""The settings as options of a command, made from the model."""

from collections.abc import Callable
from typing import Any

import click

from dnsregistry.answers.access import EVERYONE
from dnsregistry.api.dialects.settings import DialectSettings
from dnsregistry.settings import PREFIX, Settings

Command = Callable[..., Any]


def add_settings(command: Command) -> Command:
    """Give a command an option for each setting; those not given are None."""
    names = sorted(Settings.model_fields, key=DialectSettings.model_fields.__contains__)
    for name in reversed(names):
        field = Settings.model_fields[name]
        text = f"{field.description} [{PREFIX}{name.upper()}; default: {_write(field.default)}]"
        flag = f"--{name.replace('_', '-')}"
        if field.annotation is bool:
            option = click.option(flag, name, is_flag=True, default=None, help=text)
        else:
            option = click.option(flag, name, metavar="VALUE", default=None, help=text)
        command = option(command)
    return command


def _write(default: object) -> str:
    if default == EVERYONE:
        return "any"
    if isinstance(default, tuple):
        return ",".join(str(item) for item in default) or "none"
    return str(default) if default not in ("", {}, None) else "none"
