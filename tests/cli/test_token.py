"""`dnsregistry token`."""

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dnsregistry.access.entries import parse_entries
from dnsregistry.access.hashes import verify
from dnsregistry.cli.main import main


def _run(*given: str) -> Result:
    return CliRunner().invoke(main, ["token", *given])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "tokens.toml"


def test_a_token_is_printed_once_and_its_hash_kept_for_its_owner_alone(place: Path) -> None:
    done = _run("create", "app", "--scope", "write:user-*", f"--tokens-file={place}")
    assert done.exit_code == 0, done.output
    token = done.stdout.strip()
    text = place.read_text()
    (entry,) = parse_entries(text, place)
    assert (entry.name, entry.scopes.writes) == ("app", ("user-*",))
    assert entry.hash is not None
    assert verify(token, entry.hash)
    assert token not in text
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_what_is_in_the_file_stays_and_others_never_read_it(place: Path) -> None:
    place.write_text("# Ours.\n")
    place.chmod(0o644)
    again = place.parent / "link"
    again.symlink_to(place)
    assert _run("create", "a", "--scope=read", f"--tokens-file={again}").exit_code == 0
    assert place.read_text().startswith("# Ours.\n\n[[token]]\n")
    assert (again.is_symlink(), stat.S_IMODE(place.stat().st_mode)) == (True, 0o640)
    assert _run("list", f"--tokens-file={place}").stdout == "a  token  read\n"
    assert _run("revoke", "a", f"--tokens-file={place}").exit_code == 0
    assert place.read_text() == "# Ours.\n\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["create", "A", "--scope=read"], "lower-case letters"),
        (["create", "a", "--scope=reads"], "'reads' is not read, admin or write:"),
        (["create", "a"], "Missing option '--scope'"),
        (["create", "there", "--scope=read"], "has a token 'there' already"),
        (["revoke", "a"], "has no token 'a'"),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(
    place: Path, given: list[str], said: str
) -> None:
    assert _run("create", "there", "--scope=read", f"--tokens-file={place}").exit_code == 0
    before = place.read_text()
    done = _run(*given, f"--tokens-file={place}")
    assert done.exit_code in (1, 2)
    assert said in done.output
    assert place.read_text() == before


def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[[token]\n")
    for given in (["create", "a", "--scope=read"], ["list"], ["revoke", "a"]):
        done = _run(*given, f"--tokens-file={broken}")
        assert (done.exit_code, done.output.count("\n")) == (1, 1)
        assert "is no TOML" in done.output
    done = _run("create", "a", "--scope=read", f"--tokens-file={tmp_path}/no/where.toml")
    assert "cannot change" in done.output
