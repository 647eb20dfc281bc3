"""JSON as RFC 8259 has it, and not what Python makes of it.

Rules:
- UTF-8 only. NaN, Infinity, numbers beyond a double, lone surrogates and names given twice
  in one object are refused: no two readers of such text agree.
- An array is read element by element through a window, so that the reader can pause in
  between and no element can be larger than is allowed.
"""

import codecs
import json
import math
import re
from collections import Counter
from collections.abc import Iterator

from dnsregistry.api.problems import INVALID_FIELD, INVALID_JSON, Fault, Problem, clip

WINDOW = 64 * 1024
"""Octets that are looked at together: some hundred elements of common size."""

_SPACE = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_object(body: bytes | bytearray, others: str = "") -> dict[str, object]:
    """The object that the whole body is.

    Raises Problem: 400 where it is no JSON, 422 where it is something other than an object.
    `others` says what else would have been taken.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise _refuse_octets() from None
    start = _skip_space(text, 0)
    if start == len(text):
        raise Problem(INVALID_JSON, "the body is empty")
    try:
        value, end = _read_value(text, start)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Problem(INVALID_JSON, f"{error.msg}: {where}") from None
    if _skip_space(text, end) != len(text):
        raise Problem(INVALID_JSON, f"something follows the JSON value after character {end}")
    if not isinstance(value, dict):
        raise Problem(INVALID_FIELD, faults=[Fault("body", f"must be an object{others}")])
    return value


def parse_elements(body: bytes | bytearray, most: int) -> Iterator[dict[str, object]]:
    """The objects of the array that the whole body is, each of up to `most` characters.

    Raises Problem where the next one would come: 400 where it is no JSON or too large, 422
    where it is something other than an object.
    """
    window = _Window(body)
    window.take("[")
    place = 0
    mark = "]" if window.peek() == "]" else ","
    while mark == ",":
        yield window.take_object(place, most)
        place += 1
        mark = window.peek()
        if mark == ",":
            window.take(",")
    window.take("]")
    if window.peek():
        raise Problem(INVALID_JSON, "something follows the array")


class _Window:
    """A stretch of the body as text: what was taken leaves it, more comes in when asked for."""

    def __init__(self, body: bytes | bytearray) -> None:
        self._body = memoryview(body)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._fed = 0
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """The next character that is not space; empty at the end."""
        self._at = _skip_space(self._text, self._at)
        while self._at == len(self._text) and self._widen():
            self._at = _skip_space(self._text, self._at)
        return self._text[self._at : self._at + 1]

    def take(self, mark: str) -> None:
        """Step over a mark that must come next."""
        found = self.peek()
        if found != mark:
            raise Problem(INVALID_JSON, f"found {found!r} in the array where {mark!r} should be")
        self._at += 1

    def take_object(self, place: int, most: int) -> dict[str, object]:
        """The object that must come next, the `place`-th of the array."""
        if self.peek() != "{":
            if re.match(r'["0-9\[tfn-]', self.peek()):
                raise Problem(INVALID_FIELD, faults=[Fault(str(place), "must be an object")])
            raise Problem(INVALID_JSON, f"element {place}: found {self.peek()!r}")
        while True:
            try:
                value, end = _read_value(self._text, self._at)
            except json.JSONDecodeError as error:
                # The object may only be cut off by the window's edge.
                if len(self._text) - self._at > most or not self._widen():
                    raise Problem(
                        INVALID_JSON,
                        f"element {place} is no object of at most {most} characters: {error.msg}",
                    ) from None
            else:
                self._at = end
                assert isinstance(value, dict)  # noqa: S101 - it began with a brace
                return value

    def _widen(self) -> bool:
        if self._fed == len(self._body):
            return False
        rest = self._text[self._at :]
        # Twice the text each time: an element is tried a few times at most, whatever its size.
        piece = self._body[self._fed : self._fed + max(WINDOW, len(rest))]
        self._fed += len(piece)
        self._text = rest + _decode(self._decoder, piece, final=self._fed == len(self._body))
        self._at = 0
        return True


def _decode(
    decoder: codecs.IncrementalDecoder, piece: bytes | bytearray | memoryview, *, final: bool
) -> str:
    try:
        return decoder.decode(bytes(piece), final)
    except UnicodeDecodeError:
        raise _refuse_octets() from None


def _refuse_octets() -> Problem:
    return Problem(INVALID_JSON, "the body is not UTF-8")


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _read_value(text: str, at: int) -> tuple[object, int]:
    value: object
    try:
        value, end = _DECODER.raw_decode(text, at)
        if _SURROGATE.search(text, at, end):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise Problem(INVALID_JSON, "is nested too deep") from None
    except json.JSONDecodeError:
        raise
    except UnicodeEncodeError:
        raise Problem(INVALID_JSON, "half of a surrogate pair stands alone") from None
    except ValueError:
        raise Problem(INVALID_JSON, "a number has too many digits") from None
    return value, end


def _make_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        [(twice, _)] = counts.most_common(1)
        raise Problem(INVALID_JSON, f"the name {clip(twice)!r} is given twice in one object")
    return value


def _make_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise Problem(INVALID_JSON, f"the number {clip(text)} is too large")
    return value


def _refuse_constant(text: str) -> object:
    raise Problem(INVALID_JSON, f"{text} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_make_object, parse_float=_make_float, parse_constant=_refuse_constant
)
