"""The door of the dialects: the native one, with faults told in the document's own field names."""

from collections.abc import Mapping
from typing import Any

from dnsregistry.api.context import Api
from dnsregistry.registry.admission import admit
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.instance import Instance


def admit_as(api: Api, names: Mapping[str, str], **fields: Any) -> Instance:
    """The instance of these fields of `admission.admit`.

    `names` are the document's names of the fields that it calls otherwise, or makes others of.
    Raises InvalidField.
    """
    fields.setdefault("checks", api.default_checks(fields["service"]))
    try:
        instance = admit(**fields)
        api.check(instance, api.now())
    except InvalidField as fault:
        whole = fault.field.partition(".")[0]
        name = names.get(fault.field) or names.get(whole) or fault.field
        raise InvalidField(name, fault.rule) from None
    return instance
