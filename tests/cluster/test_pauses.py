"""How long a node waits before it seeks its store anew."""

from dnsregistry.storage.cluster.pauses import Pauses


def _use(pauses: Pauses, begin: float, seconds: float) -> float:
    pauses.begin(begin)
    return pauses.after(begin + seconds)


def test_links_that_are_of_no_use_are_sought_less_and_less_up_to_a_bound() -> None:
    pauses = Pauses(0.3)
    told = [_use(pauses, 20.0 * number, 0.01) for number in range(5000)]
    assert told[:7] == [0.3, 0.3, 0.3, 0.6, 1.2, 2.4, 4.8]
    assert told[-1] == 0.3 * 32
    assert pauses.are_due


def test_a_link_that_lasted_begins_the_count_anew() -> None:
    pauses = Pauses(0.3)
    for number in range(9):
        _use(pauses, 20.0 * number, 0.01)
    assert _use(pauses, 300.0, 5.0) == 0.3
    assert not pauses.are_due


def test_links_that_never_come_into_use_count_too() -> None:
    pauses = Pauses(0.3)
    pauses.begin(0.0)
    told = [pauses.after(number * 0.1) for number in range(1, 7)]
    assert told == [0.3, 0.3, 0.3, 0.6, 1.2, 2.4]
