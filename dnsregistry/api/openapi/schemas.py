"""JSON Schemas of the types that routes speak of, each model once under `components`."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

Mode = Literal["validation", "serialization"]
Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/{model}"


class _Generator(GenerateJsonSchema):
    """Leaves out the titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


class Schemas:
    """The schemas of all types that are given, by type; `read` are taken, `told` are answered."""

    def __init__(self, read: Iterable[Any], told: Iterable[Any]) -> None:
        modes: Mapping[Mode, Iterable[Any]] = {"validation": read, "serialization": told}
        inputs: dict[tuple[str, Mode], TypeAdapter[Any]] = {}
        for mode, types in modes.items():
            for each in types:
                inputs[_key(each), mode] = TypeAdapter(each)
        schemas, rest = TypeAdapter.json_schemas(
            [(key, mode, adapter) for (key, mode), adapter in inputs.items()],
            ref_template=_REFERENCE,
            schema_generator=_Generator,
        )
        self._schemas = schemas
        self.components: Mapping[str, Schema] = rest.get("$defs", {})

    def of(self, schema: Any, mode: Mode) -> Schema:
        """The schema of one of the types; None has none that says anything."""
        return {} if schema is None else dict(self._schemas[_key(schema), mode])


def _key(schema: Any) -> str:
    # Types made up of others need not be hashable, and those that read alike are alike.
    return f"{getattr(schema, '__module__', '')} {schema!r}"
