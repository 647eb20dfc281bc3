"""The documents' own environment variables, as settings.

Rules:
- A variable acts only while its dialect is on.
- What is set in this program's own way goes over it: a flag, a DNSREGISTRY_ variable, the file,
  and a host or port in the entry of DIALECTS.
- A variable to which the dialects that are on give two meanings is an error, until each
  meaning is said in this program's own way.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dnsregistry.api.dialects.dialect import HOST, PORT, Dialect, Environment, Variable
from dnsregistry.api.dialects.places import Place, parse_host, parse_port


class VariableError(Exception):
    """A document's variable cannot be followed; the text is one sentence that names it."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What the variables say: where the dialects listen, the settings, and who said each."""

    places: tuple[Place, ...]
    settings: dict[str, str]
    said_by: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Meaning:
    dialect: Dialect
    place: Place
    variable: Variable

    @property
    def target(self) -> str | None:
        """What it sets, by a name that tells it from all others."""
        sets = self.variable.sets
        return f"{self.place.dialect} {sets}" if self.is_of_place else sets

    @property
    def is_of_place(self) -> bool:
        """Whether it sets a part of the dialect's entry in DIALECTS."""
        return self.variable.sets in (HOST, PORT)

    def say(self) -> str:
        """What it sets, in words."""
        sets = self.variable.sets or ""
        return sets.replace("its", "the") if self.is_of_place else sets.upper()

    def is_said(self, given: Collection[str]) -> bool:
        """Whether this program's own way says it already."""
        sets = self.variable.sets
        if self.is_of_place:
            return (self.place.host if sets == HOST else self.place.port) is not None
        return sets in given


def follow_variables(
    dialects: Sequence[Dialect],
    places: Sequence[Place],
    given: Collection[str],
    environment: Environment,
) -> Followed:
    """Follow the variables of the dialects that are on.

    `given` are the settings, in lower case, that were set in this program's own way, so that
    no variable is asked about them. Raises VariableError.
    """
    followed = Followed(tuple(places), {}, {})
    spoken = {place.dialect: place for place in places}
    by_name: dict[str, list[_Meaning]] = {}
    for dialect in dialects:
        for variable in dialect.variables if dialect.name in spoken else ():
            if variable.sets is not None and environment.get(variable.name):
                meaning = _Meaning(dialect, spoken[dialect.name], variable)
                by_name.setdefault(variable.name, []).append(meaning)
    for name, meanings in by_name.items():
        open_ones = [meaning for meaning in meanings if not meaning.is_said(given)]
        if not open_ones:
            continue
        if len({meaning.target for meaning in meanings}) > 1:
            raise VariableError(_explain_clash(name, meanings, environment[name]))
        followed = _follow(followed, meanings[0], environment)
    return followed


def _follow(followed: Followed, meaning: _Meaning, environment: Environment) -> Followed:
    variable = meaning.variable
    sets = variable.sets or ""
    try:
        value = variable.read(environment) if variable.read else environment[variable.name]
        if sets not in (HOST, PORT):
            followed.settings[sets] = value
            followed.said_by.setdefault(sets, variable.name)
            return followed
        host = parse_host(value) if sets == HOST else None
        port = parse_port(value) if sets == PORT else None
    except ValueError as error:
        raise VariableError(f"{variable.name}={environment[variable.name]}: {error}") from None
    places = tuple(
        place.at(host=host, port=port) if place.dialect == meaning.place.dialect else place
        for place in followed.places
    )
    return Followed(places, followed.settings, followed.said_by)


def _explain_clash(name: str, meanings: Sequence[_Meaning], value: str) -> str:
    both = " and ".join(f"{meaning.say()} of {meaning.dialect.name}" for meaning in meanings)
    entries = [
        meaning.place.at(host="127.0.0.1" if meaning.variable.sets == HOST else None).at(
            port=meaning.dialect.port
        )
        for meaning in meanings
        if meaning.is_of_place
    ]
    ways = [f"DIALECTS={','.join(map(str, entries))}"] if entries else []
    ways += [meaning.say() for meaning in meanings if not meaning.is_of_place]
    return (
        f"{name}={value} means {both}, and both are on; unset it and say"
        f" {' and '.join(ways)}, with the values that are meant, instead"
    )
