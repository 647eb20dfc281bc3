"""Names in order against a plain sorted list."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.registry import alphabet
from dnsregistry.registry.alphabet import BLOCK, Alphabet

NAMES = st.text("abc", min_size=1, max_size=5)


@given(st.lists(st.tuples(st.booleans(), NAMES), max_size=200), st.data())
@settings(max_examples=200, deadline=None)
def test_pages_are_those_of_a_sorted_list(
    steps: list[tuple[bool, str]], data: st.DataObject
) -> None:
    kept: set[str] = set()
    names = Alphabet()
    usual, alphabet.BLOCK = alphabet.BLOCK, 4
    try:
        for is_wanted, name in steps:
            if is_wanted and name not in kept:
                names.add(name)
                kept.add(name)
            elif name in kept:
                names.remove(name)
                kept.remove(name)
            start = data.draw(NAMES | st.just(""))
            most = data.draw(st.integers(0, 9))
            assert names.after(start, most) == sorted(n for n in kept if n > start)[:most]
            assert len(names) == len(kept)
    finally:
        alphabet.BLOCK = usual


def test_blocks_stay_small_and_go_with_their_last_name() -> None:
    names = Alphabet()
    all_names = [f"{number:05}" for number in range(5 * BLOCK)]
    for name in all_names[::2] + all_names[1::2]:
        names.add(name)
    assert names.after("", len(all_names)) == all_names
    assert max(map(len, names._blocks)) <= BLOCK
    for name in all_names:
        names.remove(name)
    assert names.after("", 1) == []
    assert len(names._blocks) == 1


@given(st.sets(NAMES, max_size=40), st.sets(NAMES, max_size=20), NAMES | st.just(""))
@settings(deadline=None)
def test_pages_backwards_are_those_of_a_list_sorted_the_other_way(
    added: set[str], removed: set[str], start: str
) -> None:
    names = Alphabet()
    usual, alphabet.BLOCK = alphabet.BLOCK, 4
    try:
        for name in added:
            names.add(name)
        for name in added & removed:
            names.remove(name)
    finally:
        alphabet.BLOCK = usual
    falling = sorted(added - removed, reverse=True)
    for most in (0, 1, 3, 100):
        assert names.before(start, most) == [name for name in falling if name < start][:most]
        assert names.before(None, most) == falling[:most]
