"""Fields of an object as JSON has it, read one by one; what breaks a rule is InvalidField."""

import re
from collections.abc import Mapping, Sequence

from dnsregistry.registry.errors import InvalidField


class Fields:
    """An object's fields, by the name under which a client knows them: `checks.0.interval`."""

    def __init__(self, values: Mapping[str, object], prefix: str) -> None:
        self._values = values
        self._prefix = prefix
        self._read: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether the field is given, and not null."""
        return self._values.get(name) is not None

    def refuse(self, name: str, rule: str) -> InvalidField:
        """What to raise for a field."""
        return InvalidField(f"{self._prefix}.{name}", rule)

    def full_name(self, name: str) -> str:
        """The name under which a client knows it."""
        return f"{self._prefix}.{name}"

    def text(self, name: str, most: int, default: str = "") -> str:
        """Text of at most so many characters."""
        value = self._take(name, default)
        if not isinstance(value, str):
            raise self.refuse(name, "must be text")
        if len(value) > most:
            raise self.refuse(name, f"has {len(value)} characters; at most {most} are allowed")
        return value

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        """One of the texts that there are."""
        value = self._take(name, default)
        if not isinstance(value, str) or value not in choices:
            raise self.refuse(name, f"must be one of {', '.join(choices)}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise self.refuse(name, "must be true or false")
        return value

    def seconds(self, name: str, least: float, most: float, default: float) -> float:
        """A number between bounds."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refuse(name, "must be a number")
        if not least <= value <= most:
            raise self.refuse(name, f"{value} is not between {least:g} and {most:g}")
        return float(value)

    def number(self, name: str, least: int, most: int, default: int) -> int:
        """A whole number between bounds."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refuse(name, "must be a whole number")
        if not least <= value <= most:
            raise self.refuse(name, f"{value} is not between {least} and {most}")
        return value

    def texts(self, name: str) -> Mapping[str, str]:
        """An object whose values are texts."""
        value = self._take(name, {})
        if not isinstance(value, Mapping):
            raise self.refuse(name, "must be an object")
        for key, text in value.items():
            if not isinstance(text, str):
                raise self.refuse(f"{name}.{str(key)[:80]}", "must be text")
        return value

    def range(self, name: str, least: int, most: int, default: str) -> tuple[int, int]:
        """A number, or two with a hyphen between them."""
        value = self._take(name, default)
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        match = (
            re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", text, re.ASCII)
            if (isinstance(text, str))
            else None
        )
        if match is None:
            raise self.refuse(name, f"must be a number or a range, like {default}")
        low, high = int(match[1]), int(match[2] or match[1])
        if not least <= low <= high <= most:
            raise self.refuse(name, f"{text} is not within {least}-{most}")
        return low, high

    def finish(self) -> None:
        """Raise for a field that nobody has read."""
        for name in self._values:
            if name not in self._read:
                raise self.refuse(str(name)[:80], "is not a field of this check")

    def _take(self, name: str, default: object) -> object:
        self._read.add(name)
        value = self._values.get(name)
        return default if value is None else value
