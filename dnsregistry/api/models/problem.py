"""A problem document (RFC 9457)."""

from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """A field or parameter, and the rule that it breaks."""

    model_config = ConfigDict(defer_build=True)

    field: str = Field(description="Its name; within others with a dot: `checks.0.interval`.")
    reason: str = Field(description="The rule that it breaks.")


class Problem(BaseModel):
    """Why a request was not done (RFC 9457)."""

    model_config = ConfigDict(defer_build=True)

    type: str = Field(description="A stable word for this kind of problem.")
    title: str = Field(description="The kind of problem, for people.")
    status: int = Field(description="The HTTP status.", ge=400, le=599)
    detail: str = Field(description="What is wrong with this request.")
    request_id: str | None = Field(
        None, description="What the log calls the request; also in the header X-Request-Id."
    )
    field: str | None = Field(None, description="The first field or parameter with a fault.")
    reason: str | None = Field(None, description="The rule that it breaks.")
    revision: int | None = Field(
        None,
        description=(
            "Of an instance that is not in the expected revision: the one that it has, null where"
            " there is none."
        ),
    )
    errors: list[Fault] | None = Field(
        None, description="All faults, where there are several; twenty at most."
    )
