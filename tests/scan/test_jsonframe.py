"""JSON objects in a stream, wherever it is cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.jsonframe import NotAnObject, ObjectStream, ObjectTooLong

LIMIT = 1 << 20

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('abc"\\{}[]é\n', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('k"\\{}'), inner),
    max_leaves=8,
)
_objects = st.dictionaries(st.text('k"\\{}', max_size=4), _values, max_size=4)


@given(st.lists(_objects, max_size=5), st.data())
def test_whole_objects_come_out_however_the_stream_is_cut(
    objects: list[dict[str, object]], data: st.DataObject
) -> None:
    space = st.sampled_from(["", " ", "\n", "\r\n\t"])
    ascii_only = data.draw(st.booleans())
    octets = b"".join(
        (data.draw(space) + json.dumps(value, ensure_ascii=ascii_only)).encode()
        for value in objects
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    stream = ObjectStream(LIMIT)
    taken: list[object] = []
    for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True):
        stream.feed(octets[start:end])
        while (whole := stream.take()) is not None:
            taken.append(json.loads(whole))
    assert taken == objects
    assert stream.rest == b""


@given(_objects)
def test_an_object_without_its_last_octet_is_not_whole(value: dict[str, object]) -> None:
    stream = ObjectStream(LIMIT)
    text = json.dumps(value).encode()
    stream.feed(text[:-1])
    assert stream.take() is None
    assert stream.rest == text[:-1]
    stream.feed(text[-1:])
    assert stream.take() == text


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1", b"[]", b"\xff\x00", b"  x", b'"{}"', b"}"])
def test_what_begins_no_object_is_told(octets: bytes) -> None:
    stream = ObjectStream(LIMIT)
    stream.feed(octets)
    with pytest.raises(NotAnObject):
        stream.take()


def test_an_object_is_bounded_whole_or_not() -> None:
    for octets in (b'{"a":"' + b"x" * 100, b'{"a":"' + b"x" * 100 + b'"}'):
        stream = ObjectStream(64)
        stream.feed(octets)
        with pytest.raises(ObjectTooLong):
            stream.take()


def test_space_alone_is_nothing_and_is_not_kept() -> None:
    stream = ObjectStream(64)
    for _ in range(1000):
        stream.feed(b" \n" * 100)
        assert stream.take() is None
    assert stream.rest == b""
