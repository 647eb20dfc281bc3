"""The settings as options of a command, made from the model."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import click

from dnsregistry.answers.access import EVERYONE
from dnsregistry.api.dialects.known import DIALECTS
from dnsregistry.api.dialects.settings import DialectSettings
from dnsregistry.settings import PREFIX, Settings, SettingsError

Command = Callable[..., Any]

_PARAMETER = "document_"


def add_settings(command: Command) -> Command:
    """Give a command an option for each setting; those not given are None."""
    names = sorted(Settings.model_fields, key=DialectSettings.model_fields.__contains__)
    for name in reversed(names):
        field = Settings.model_fields[name]
        text = (
            f"{field.description} [{PREFIX}{name.upper()}; default: {write_default(field.default)}]"
        )
        flag = f"--{name.replace('_', '-')}"
        if field.annotation is bool:
            option = click.option(flag, name, is_flag=True, default=None, help=text)
        else:
            option = click.option(flag, name, metavar="VALUE", default=None, help=text)
        command = option(command)
    return command


def write_default(default: object) -> str:
    """A setting's default as a flag would say it; none where there is no value."""
    if default == EVERYONE:
        return "any"
    if isinstance(default, tuple):
        return ",".join(str(item) for item in default) or "none"
    return str(default) if default not in ("", {}, None) else "none"


def add_document_flags(command: Command) -> Command:
    """Give a command the flags of the dialects' documents, as its argument `document_flags`.

    That maps the variable which a flag stands for to its value; those not given are left out.
    """

    @wraps(command)
    def call(*given: Any, **values: Any) -> Any:
        said = {name: values.pop(_PARAMETER + name) for name in names}
        flags = {name: str(value) for name, value in said.items() if value is not None}
        return command(*given, document_flags=flags, **values)

    names = []
    wrapped: Command = call
    for dialect in reversed(DIALECTS):
        for variable in reversed(dialect.variables):
            if (flag := variable.flag) is None:
                continue
            names.append(variable.name)
            text = f"{variable.name} of {dialect.name}, while that is on."
            form: dict[str, Any] = {"is_flag": True} if flag.is_switch else {"metavar": "VALUE"}
            parameter = _PARAMETER + variable.name
            wrapped = click.option(f"--{flag.name}", parameter, default=None, help=text, **form)(
                wrapped
            )
    return wrapped


def check_document_flags(flags: Mapping[str, str], settings: Settings) -> None:
    """Raise SettingsError for a flag whose dialect is off: it would say nothing."""
    on = {place.dialect for place in settings.places}
    for dialect in DIALECTS:
        for variable in dialect.variables:
            if variable.flag and variable.name in flags and dialect.name not in on:
                raise SettingsError(
                    f"--{variable.flag.name} is a flag of {dialect.name}, which is off;"
                    f" say --dialects {dialect.name}"
                )
