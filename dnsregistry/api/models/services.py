"""Services as they are told."""

from pydantic import BaseModel, ConfigDict, Field

from dnsregistry.api.models.instances import InstanceList


class ServiceCount(BaseModel):
    """A service, and how many instances it has."""

    model_config = ConfigDict(defer_build=True)

    name: str = Field(description="The service.")
    instances: int = Field(description="How many instances it has.")
    healthy: int = Field(description="How many of them are answered.")


class ServiceList(BaseModel):
    """A page of services."""

    model_config = ConfigDict(defer_build=True)

    services: list[ServiceCount]
    next_cursor: str | None = Field(description="The cursor of the next page; null at the end.")
    revision: int = Field(description="The revision of the registry.")


class Service(InstanceList):
    """One service, and a page of its instances."""

    name: str = Field(description="The service.")
    count: int = Field(description="How many instances it has.")
    healthy: int = Field(description="How many of them are answered.")
