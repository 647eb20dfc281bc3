"""Patterns that would take the process with them are refused; those that pages need are not."""

import pytest

from dnsregistry.health.probing.pattern import InvalidPattern, check_patterns, search
from dnsregistry.registry.check_admission import admit_checks
from dnsregistry.registry.errors import InvalidField

# All of these can be compiled here and now: larger ones of their kinds end the process.
TOO_LARGE = (
    "(?:x{300}){300}",
    "(?:a|bb){20000}",
    "(?:a|bb){20000,}",
    "(?:a|bb){20000,30000}?",
    "(?:x{300}(?#of these)){300}",
    "x{20000}",
    "(?:" * 15 + "a" + ")+" * 15,
    "(?>" * 15 + "a" + "){1,}" * 15,
)
USUAL = (
    r"all\s+is (well|fine)",
    r'"status"\s*:\s*"(ok|UP)"',
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    r"^(\d{1,3}\.){3}\d{1,3}$",
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z",
    r"sha256:[0-9a-f]{64}",
    r"(?s)begin.{0,60000}end",
    r"(?i)(?:\w+\s+){3}ready",
)


def _check(pattern: str) -> None:
    check_patterns(admit_checks([{"type": "http", "body_pattern": pattern}]))


@pytest.mark.parametrize("pattern", TOO_LARGE)
def test_a_pattern_that_repeats_too_much_is_refused_before_it_is_compiled(pattern: str) -> None:
    with pytest.raises(InvalidField, match="repeats too much") as refused:
        _check(pattern)
    assert refused.value.field == "checks.0.body_pattern"


def test_a_pattern_in_which_numbers_can_be_hidden_is_refused() -> None:
    with pytest.raises(InvalidField, match="must not have the flag x"):
        _check("(?ix)(?:a|bb) {2 0 0 0 0}")


@pytest.mark.parametrize("pattern", USUAL)
def test_patterns_as_pages_need_them_are_taken(pattern: str) -> None:
    _check(pattern)


@pytest.mark.parametrize("pattern", ["(", "(?V1)a", "[", "a{2}{3}", "(?P<a>b)(?P=c)"])
def test_what_is_no_pattern_is_told_to_be_none(pattern: str) -> None:
    with pytest.raises(InvalidField, match="is no regular expression: "):
        _check(pattern)


def test_a_pattern_that_a_store_has_kept_is_not_compiled_either() -> None:
    with pytest.raises(InvalidPattern, match="repeats too much"):
        search(TOO_LARGE[0], b"x")
