"""The documents' variables: when each acts, and what is said when two are meant."""

from collections.abc import Mapping

import pytest

from dnsregistry.api.dialects.dialect import HOST, PORT, Context, Dialect, Listener, Variable
from dnsregistry.api.dialects.places import Place
from dnsregistry.api.dialects.variables import Followed, VariableError, follow_variables


def _build(_context: Context) -> Listener:
    raise AssertionError("nothing is built here")


def _join(environment: Mapping[str, str]) -> str:
    return "+".join((environment["BACKEND"], environment.get("URL", "none")))


ALPHA = Dialect(
    "alpha",
    1001,
    (
        Variable("REGISTRY_HOST", HOST),
        Variable("REGISTRY_PORT", PORT),
        Variable("BACKEND", "store", read=_join),
        Variable("SHARED", "alpha_ttl"),
        Variable("MODE", None),
    ),
    _build,
)
BETA = Dialect(
    "beta", 1002, (Variable("REGISTRY_PORT", PORT), Variable("SHARED", "beta_ttl")), _build
)


def _follow(places: list[Place], *given: str, **environment: str) -> Followed:
    return follow_variables((ALPHA, BETA), places, given, environment)


def test_a_variable_acts_only_while_its_dialect_is_on() -> None:
    environment = {"REGISTRY_PORT": "7", "SHARED": "8", "REGISTRY_HOST": "::1", "MODE": "x"}
    assert _follow([], **environment) == Followed((), {}, {})
    beta = _follow([Place("beta")], **environment)
    assert beta == Followed((Place("beta", port=7),), {"beta_ttl": "8"}, {"beta_ttl": "SHARED"})
    alpha = _follow([Place("alpha")], **environment)
    assert alpha.places == (Place("alpha", "::1", 7),)
    assert alpha.settings == {"alpha_ttl": "8"}


def test_an_empty_variable_says_nothing() -> None:
    assert _follow([Place("beta")], REGISTRY_PORT="") == Followed((Place("beta"),), {}, {})


def test_several_variables_can_make_one_setting() -> None:
    followed = _follow([Place("alpha")], BACKEND="redis", URL="redis://x")
    assert followed.settings == {"store": "redis+redis://x"}
    assert followed.said_by == {"store": "BACKEND"}


def test_what_is_set_in_our_own_way_goes_over_a_variable() -> None:
    places = [Place("beta", port=5)]
    assert _follow(places, "beta_ttl", REGISTRY_PORT="7", SHARED="8").places == tuple(places)
    assert _follow(places, "beta_ttl", REGISTRY_PORT="7", SHARED="8").settings == {}


def test_two_meanings_are_an_error_that_says_what_to_set_instead() -> None:
    both = [Place("alpha"), Place("beta")]
    with pytest.raises(VariableError) as caught:
        _follow(both, REGISTRY_PORT="7")
    assert str(caught.value) == (
        "REGISTRY_PORT=7 means the port of alpha and the port of beta, and both are on;"
        " unset it and say DIALECTS=alpha:1001,beta:1002, with the values that are meant, instead"
    )
    with pytest.raises(VariableError, match="say ALPHA_TTL and BETA_TTL, with the values"):
        _follow(both, SHARED="8")


def test_two_meanings_are_none_once_each_is_said() -> None:
    said = [Place("alpha", port=1), Place("beta", port=2)]
    assert _follow(said, REGISTRY_PORT="7").places == tuple(said)
    with pytest.raises(VariableError):
        _follow([Place("alpha", port=1), Place("beta")], REGISTRY_PORT="7")


@pytest.mark.parametrize(("name", "value"), [("REGISTRY_PORT", "x"), ("REGISTRY_HOST", "a.b")])
def test_a_wrong_value_is_told_with_the_variables_name(name: str, value: str) -> None:
    with pytest.raises(VariableError, match=f"^{name}={value}: "):
        _follow([Place("alpha")], **{name: value})
