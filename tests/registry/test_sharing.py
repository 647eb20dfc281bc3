"""What many instances have is one object among them, and no client fills the memory with it."""

from collections.abc import Callable

import pytest

from dnsregistry.registry.instance import Instance
from dnsregistry.registry.names import LABEL_OCTETS, fold_id
from dnsregistry.registry.sharing import MOST_ITEMS, MOST_SHARED, _remember, share

Make = Callable[..., Instance]


def _fresh(text: str) -> str:
    """An object of its own, as a reader of JSON makes it."""
    return bytes(text, "ascii").decode()


def test_instances_share_what_they_have_in_common(make: Make) -> None:
    first, second = (
        make(
            id=_fresh(f"i{number}"),
            service=_fresh("User-Service"),
            port=int("8080"),
            ports={_fresh("http"): int("8081")},
            tags=[_fresh("v1")],
            capabilities=[_fresh("greet")],
            version=_fresh("1.2.3"),
            ttl=float("12.5"),
        )
        for number in range(2)
    )
    for name in ("service", "protocol", "port", "ports", "tags", "capabilities", "version", "ttl"):
        assert getattr(first, name) is getattr(second, name), name


@pytest.mark.parametrize("value", ["x" * (LABEL_OCTETS + 1), ("a",) * (MOST_ITEMS + 1)])
def test_what_is_large_is_not_remembered(value: str | tuple[str, ...]) -> None:
    before = _remember.cache_info().currsize
    assert share(value) is value
    assert _remember.cache_info().currsize == before


def test_what_is_remembered_is_bounded() -> None:
    for number in range(MOST_SHARED + 10):
        share(number)
    assert _remember.cache_info().currsize == MOST_SHARED


def test_equal_values_of_two_types_stay_apart() -> None:
    assert (type(share(30)), type(share(30.0))) == (int, float)


def test_an_id_in_lower_case_is_its_own_key() -> None:
    given = _fresh("web-1")
    assert fold_id(given) is given
    assert fold_id("Web-1") == "web-1"
