"""Writes docs/settings.md from the settings: `python -m tests.house.settings_reference`."""

from pathlib import Path

from dnsregistry.access.settings import AccessSettings
from dnsregistry.api.dialects.settings import DialectSettings
from dnsregistry.api.watching.settings import WatchSettings
from dnsregistry.cli.options import write_default
from dnsregistry.health.settings import HealthSettings
from dnsregistry.log.settings import LogSettings
from dnsregistry.scan.settings import ScanSettings
from dnsregistry.settings import PREFIX, Settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"
HEAD = """# Settings

Each setting is a flag of `serve`, an environment variable and a key of the TOML file that
`--config` names: `--dns-port 53`, `DNSREGISTRY_DNS_PORT=53` and `dns_port = 53` say the same. A
flag goes before the environment, that before the file. Lists are comma-separated in flags and in
the environment. A wrong value ends the start with one sentence that names the setting.

This page is written from the program.
"""
PARTS = (
    ("Who may do what", AccessSettings),
    ("Watching", WatchSettings),
    ("Health checks", HealthSettings),
    ("The identify sweep", ScanSettings),
    ("Dialects", DialectSettings),
    ("Logs and traces", LogSettings),
)


def write_reference() -> str:
    """The whole document."""
    parts = [HEAD]
    special = {name for _, model in PARTS for name in model.model_fields}
    own = [name for name in Settings.model_fields if name not in special]
    parts.append(_write_part("The server", own))
    parts += [_write_part(title, list(model.model_fields)) for title, model in PARTS]
    return "\n".join(parts)


def _write_part(title: str, names: list[str]) -> str:
    lines = [f"## {title}", "", "| setting | default | meaning |", "|---|---|---|"]
    for name in names:
        field = Settings.model_fields[name]
        flag = f"`--{name.replace('_', '-')}`<br>`{PREFIX}{name.upper()}`"
        meaning = (field.description or "").replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| {flag} | {write_default(field.default)} | {meaning} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    DOCUMENT.write_text(write_reference(), encoding="utf-8")
