"""The tokens file: what may stand in it, what is told of the rest, and how it is changed."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.access.edit import append, remove
from dnsregistry.access.entries import TokensFault, parse_entries
from dnsregistry.access.hashes import (
    Hash,
    InvalidHash,
    make_hash,
    make_token,
    name_of,
    parse_hash,
    verify,
)
from dnsregistry.access.scopes import InvalidScope, make_caller, parse_scopes, write_scopes
from tests.access.conftest import quick_hash, write_table

PLACE = Path("tokens.toml")
HASH = str(quick_hash("x"))
NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
PATTERNS = st.from_regex(r"[a-z0-9_*-]{1,20}", fullmatch=True)
SCOPES = st.lists(
    st.sampled_from(["read", "admin"]) | PATTERNS.map("write:{}".format), min_size=1, max_size=3
)


def test_a_token_is_verified_by_its_hash() -> None:
    token = make_token("app")
    kept = parse_hash(str(make_hash(token)))
    assert verify(token, kept)
    assert not verify(token[:-1], kept)
    assert make_hash(token) != kept


@given(st.binary(min_size=9, max_size=64), st.binary(min_size=17, max_size=64))
def test_a_hash_is_read_as_it_was_written(salt: bytes, digest: bytes) -> None:
    kept = Hash(14, 8, 1, salt, digest)
    assert parse_hash(str(kept)) == kept


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "$argon2id$v=19$m=1$aaaaaaaaaaa$aaaaaaaaaaaaaaaaaaaaaa"),
        HASH.replace("ln=10", "ln=9"),
        HASH.replace("ln=10", "ln=30"),
        HASH.replace("r=8", "r=99"),
        HASH.replace("r=8", "r=0"),
        HASH.replace("p=1", "p=0"),
        HASH.replace("p=1", "p=17"),
        HASH[:-30],
    ],
)
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(InvalidHash):
        parse_hash(text)


@given(NAMES)
def test_a_token_tells_its_name(name: str) -> None:
    assert name_of(make_token(name)) == name


@given(SCOPES)
def test_scopes_are_read_as_they_were_written(texts: list[str]) -> None:
    scopes = parse_scopes(texts)
    assert parse_scopes(write_scopes(scopes)) == scopes


@pytest.mark.parametrize(
    ("pattern", "service", "reaches"),
    [
        ("user-*", "user-service", True),
        ("user-*", "users", False),
        ("USER-*", "User-Service", True),
        ("*", "anything", True),
        ("web", "web2", False),
        ("web?", "web2", True),
        ("web[1-3]", "web2", True),
        ("web[!2]", "web2", False),
    ],
)
def test_a_pattern_reaches_what_it_matches(pattern: str, service: str, reaches: bool) -> None:
    reach = make_caller("a", parse_scopes([f"write:{pattern}"])).warrant.reaches
    assert (reach is None or reach(service)) is reaches


def test_who_may_write_nothing_reaches_no_service() -> None:
    reach = make_caller("a", parse_scopes(["read"])).warrant.reaches
    assert reach is not None
    assert not any(map(reach, ["web", "a", ""]))


@pytest.mark.parametrize(
    "text", ["", "write", "write:", "write:a b", "reads", "write:é", "write:a.b"]
)
def test_what_is_no_scope_is_refused(text: str) -> None:
    with pytest.raises(InvalidScope):
        parse_scopes([text])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[token]", "is no TOML"),
        ("[" * 3000, "is no TOML|nested too deep"),
        ('name = "x"', "'name' is not known there"),
        ('[token]\nname = "x"', r"token must be tables, each \[\[token\]\]"),
        ("token = [1]", "token must be tables"),
        ("[[token]]", "token number 1: name must be"),
        ('[[token]]\nname = "A_b"', "token number 1: name must be"),
        ('[[token]]\nname = "a"', "token 'a': scopes must be a list"),
        ('[[token]]\nname = "a"\nscopes = []\nhash = "x"', "'a': scopes: names no scope"),
        ('[[token]]\nname = "a"\nscopes = ["x"]\nhash = "x"', "'a': scopes: 'x' is not read"),
        ('[[token]]\nname = "a"\nscopes = ["read"]', "'a': needs either hash or cert"),
        (f'[[token]]\nname = "a"\nscopes = ["read"]\nhash = "{HASH}"\ncert = "x"', "needs either"),
        ('[[token]]\nname = "a"\nscopes = ["read"]\nhash = "hidden"', "'a': hash is no hash"),
        ('[[token]]\nname = "a"\nscopes = ["read"]\ncert = " "', "'a': cert must be a name"),
        ('[[token]]\nname = "a"\nscopes = ["read"]\nhsh = "hidden"', "'hsh' is not known there"),
        (write_table("a", ["read"], token="x") * 2, "the name 'a' is given twice"),
    ],
)
def test_what_is_wrong_in_the_file_is_told_and_nothing_that_is_hidden(text: str, said: str) -> None:
    with pytest.raises(TokensFault, match=said) as fault:
        parse_entries(text, PLACE)
    assert "hidden" not in str(fault.value)
    assert str(fault.value).startswith("tokens.toml")


HAND_WRITTEN = f"""# Who may write here.

[[token]]  # the pipeline
name = "ci"
scopes = [
  "write:*",   # everything
  "read",
]
hash = "{HASH}"
# until May

# A machine.
[[token]]
name = "web"
cert = "web.example.org"
scopes = ["read"]
"""


@given(NAMES.filter(lambda name: name not in ("ci", "web")), SCOPES)
def test_a_token_is_appended_and_removed_and_all_else_stays(name: str, texts: list[str]) -> None:
    scopes = parse_scopes(texts)
    for text in ("", HAND_WRITTEN, HAND_WRITTEN.rstrip("\n")):
        longer = append(text, name, scopes, quick_hash("x"))
        assert longer.startswith(text)
        before, after = parse_entries(text, PLACE), parse_entries(longer, PLACE)
        assert after[:-1] == before
        assert (after[-1].name, after[-1].scopes) == (name, scopes)
        shorter = remove(longer, name, PLACE)
        assert parse_entries(shorter, PLACE) == before
        assert shorter.startswith(text)


def test_comments_of_others_stay_where_a_token_is_removed() -> None:
    left = remove(HAND_WRITTEN, "ci", PLACE)
    assert left.startswith("# Who may write here.\n\n")
    assert '# until May\n\n# A machine.\n[[token]]\nname = "web"' in left
    assert [entry.name for entry in parse_entries(left, PLACE)] == ["web"]
    assert "# A machine." in remove(HAND_WRITTEN, "web", PLACE)


def test_what_cannot_be_cut_out_is_left_to_an_editor() -> None:
    inline = f'token = [{{name = "a", scopes = ["read"], hash = "{HASH}"}}]'
    assert tomllib.loads(inline)
    with pytest.raises(TokensFault, match="needs an editor"):
        remove(inline, "a", PLACE)
    with pytest.raises(TokensFault, match="has no token 'b'"):
        remove(inline, "b", PLACE)
