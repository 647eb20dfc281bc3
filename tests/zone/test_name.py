"""Names: text, wire and value are inverses; dnspython is the oracle."""

import dns.exception
import dns.name
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dnsregistry.zone.name import Name, write_text, write_wire


def _fitting(labels: list[bytes]) -> Name:
    kept: list[bytes] = []
    for label in labels:
        if sum(len(text) + 1 for text in [*kept, label]) + 1 <= 255:
            kept.append(label.lower())
    return Name(tuple(kept))


OCTETS = st.binary(min_size=1, max_size=63)
TRICKY = st.text('a\\."0@$();\x00 é', min_size=1, max_size=6).map(str.encode)
NAMES = st.lists(OCTETS | TRICKY, max_size=12).map(_fitting)
TEXTS = st.text("aB.\\0129-_é", max_size=12) | st.lists(
    st.sampled_from(["\\.", "\\\\", "\\065", "\\255", "\\256", "\\12", ".", "a", "x" * 62]),
    max_size=8,
).map("".join)


@settings(deadline=None)
@given(NAMES)
@example(Name((b"a\\",)))
@example(Name((b"\\.", b".")))
def test_text_and_name_are_inverses(name: Name) -> None:
    assert str(name).isascii()
    assert Name.from_text(str(name)) == name
    if name.labels:
        assert Name.from_text(str(name)[:-1]) == name


@settings(deadline=None)
@given(NAMES)
def test_wire_and_name_are_inverses(name: Name) -> None:
    assert Name.from_wire(name.to_wire()) == name
    assert Name.from_wire(name.to_wire().upper()) == name
    assert len(name.to_wire()) <= 255


@settings(deadline=None)
@given(NAMES)
def test_dnspython_reads_and_writes_the_same_name(name: Name) -> None:
    theirs = dns.name.Name((*name.labels, b""))
    assert dns.name.from_text(str(name)) == theirs
    assert Name.from_text(theirs.to_text()) == name
    assert name.to_wire() == theirs.to_wire()


@settings(deadline=None)
@given(TEXTS)
@example("\\.")
@example("a\\\\.")
@example("a\\.")
@example("a\\1x")
@example("..")
def test_what_dnspython_refuses_is_refused(text: str) -> None:
    try:
        # As octets: the text in which dnspython sees an internationalised name is not ours.
        labels = dns.name.from_text(text.encode()).labels
    except dns.exception.DNSException:
        with pytest.raises(ValueError):
            Name.from_text(text)
    else:
        assert (*Name.from_text(text).labels, b"") == tuple(label.lower() for label in labels)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("", ()),
        (".", ()),
        ("Registry.LOCAL", (b"registry", b"local")),
        ("a.b.", (b"a", b"b")),
        ("a\\.b.c", (b"a.b", b"c")),
        ("a\\\\.c", (b"a\\", b"c")),
        ("\\065\\.\\255", (b"a.\xff",)),
        ('\\a\\"b', (b'a"b',)),
        ("é", (b"\xc3\xa9",)),
        ("\\é", (b"\xc3\xa9",)),
        ("É", (b"\xc3\x89",)),  # case is a matter of ASCII alone
    ],
)
def test_presentation_format_is_read(text: str, labels: tuple[bytes, ...]) -> None:
    assert Name.from_text(text).labels == labels


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ((), "."),
        ((b"a.b", b"c"), "a\\.b.c."),
        ((b'"', b";", b"\\", b"@", b"$", b"()"), '\\".\\;.\\\\.\\@.\\$.\\(\\).'),
        ((b"\x00 \x7f\xff",), "\\000\\032\\127\\255."),
    ],
)
def test_presentation_format_is_written(labels: tuple[bytes, ...], text: str) -> None:
    assert str(Name(labels)) == text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a..b", "label of 0 octets"),
        (".a", "label of 0 octets"),
        ("..", "label of 0 octets"),
        ("x" * 64, "label of 64 octets"),
        ("\\000" * 64, "label of 64 octets"),
        (".".join(["x" * 63] * 3 + ["x" * 62]), "longer than 255 octets"),
        ("a\\", "broken escape"),
        ("a\\1x", "broken escape"),
        ("\\256", "above 255"),
    ],
)
def test_a_text_that_is_no_name_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Name.from_text(text)


def test_the_longest_label_and_name_are_read() -> None:
    longest = ".".join(["x" * 63] * 3 + ["x" * 61])
    assert len(Name.from_text(longest).to_wire()) == 255
    assert Name.from_text("x" * 63).labels == (b"x" * 63,)


@settings(deadline=None)
@given(NAMES, st.lists(st.text("ab.-_", min_size=1, max_size=5), max_size=3))
def test_prepending_and_being_relative_are_inverses(origin: Name, labels: list[str]) -> None:
    wanted = tuple(label.encode() for label in labels)
    assert origin.prepend(*labels).relative_to(origin) == wanted


@pytest.mark.parametrize("text", ["local", "xregistry.local", "registry.local.net", "."])
def test_a_name_outside_is_not_relative_to_the_origin(text: str) -> None:
    assert Name.from_text(text).relative_to(Name.from_text("registry.local")) is None


def test_labels_are_compared_whole() -> None:
    dotted = Name((b"a.registry", b"local"))
    assert dotted.relative_to(Name.from_text("registry.local")) is None


@settings(deadline=None)
@given(NAMES, st.lists(st.text("aB9-_.\\$(@!~", min_size=1, max_size=20), max_size=4))
def test_labels_written_in_front_of_an_origin_are_those_of_the_whole_name(
    origin: Name, labels: list[str]
) -> None:
    whole = origin.prepend(*labels)
    assert write_wire(labels) + origin.to_wire() == whole.to_wire()
    if labels and origin.labels:
        assert f"{write_text(labels)}.{origin}" == str(whole)
