"""The command line, as far as it goes without a server."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from dnsregistry import __version__
from dnsregistry.cli.main import main
from dnsregistry.settings import PREFIX, Settings


def test_the_help_of_serve_lists_every_setting_with_its_variable() -> None:
    result = CliRunner().invoke(main, ["serve", "--help"], terminal_width=500)
    assert result.exit_code == 0
    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')} " in result.output
        assert f"{PREFIX}{name.upper()}; default: " in result.output
    for option in ("--config", "--ready-file", "--demo"):
        assert option in result.output


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.output.split()[-1] == __version__


def test_an_option_that_is_not_there_is_told_with_the_nearest() -> None:
    result = CliRunner().invoke(main, ["serve", "--dns-prot", "53"])
    assert result.exit_code == 2
    assert "No such option: --dns-prot" in result.output or "'--dns-prot'" in result.output
    assert "--dns-port" in result.output


def test_without_a_command_the_help_is_shown() -> None:
    result = CliRunner().invoke(main, [])
    assert "serve" in result.output


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"]])
def test_no_help_pays_for_the_server(arguments: list[str]) -> None:
    """Importing the HTTP server takes longer than all the rest."""
    code = (
        "import sys; from dnsregistry.cli.main import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        "sys.exit('aiohttp' in sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert finished.returncode == 0, finished.stderr
