"""Why DNS answers as it does, as it is told."""

from pydantic import BaseModel, ConfigDict, Field


class ExplainedQuestion(BaseModel):
    """What is asked, and by whom."""

    model_config = ConfigDict(defer_build=True)

    name: str = Field(description="The owner name, absolute.")
    type: str
    class_: str = Field(alias="class")
    client: str = Field(description="The address that asks.")
    transport: str = Field(description="`udp` or `tcp`.")
    bufsize: int = Field(description="Octets that the client's OPT names; 0: it sends none.")


class HeaderFlags(BaseModel):
    """The flags of the reply's header."""

    model_config = ConfigDict(defer_build=True)

    aa: bool | None = Field(None, description="The answer is ours.")
    tc: bool | None = Field(None, description="It was cut short.")
    rd: bool | None = Field(None, description="Recursion was asked for.")
    ra: bool | None = Field(None, description="This client may have others asked.")


class ExtendedError(BaseModel):
    """Why, in the reply itself (RFC 8914)."""

    model_config = ConfigDict(defer_build=True)

    code: int
    text: str


class Step(BaseModel):
    """A lookup on the way to the answer."""

    model_config = ConfigDict(defer_build=True)

    name: str
    type: str
    path: str = Field(description="The kind of zone.")
    zone: str | None = Field(description="Its origin; null where the name is not ours.")
    found: str = Field(description="What it said.")


class Candidate(BaseModel):
    """An instance that could be in the answer."""

    model_config = ConfigDict(defer_build=True)

    id: str
    name: str = Field(description="The owner name for which it could be.")
    kept: bool = Field(description="Whether it is in the answer.")
    reason: str


class Explanation(BaseModel):
    """The answer, the way to it, and what was left out on that way."""

    model_config = ConfigDict(defer_build=True)

    question: ExplainedQuestion
    path: str = Field(
        description=(
            "`live zone`, `static zone`, `reverse zone`, `reserved name`, `unread zone`,"
            " `forwarder`, `chaos`, `refused` or `rate limit`."
        )
    )
    rule: str | None = Field(description="The setting or rule that refused.")
    why: str = Field(description="A sentence on the way.")
    upstreams: list[str] = Field(description="Those that would be asked.")
    rcode: str | None = Field(description="Null where only the upstreams know it.")
    flags: HeaderFlags
    octets: int = Field(description="The reply's size.")
    answer: list[str] = Field(description="Records as dig prints them.")
    authority: list[str]
    additional: list[str]
    ttl: int | None = Field(description="The smallest TTL of answer and authority, in seconds.")
    ede: ExtendedError | None
    steps: list[Step]
    candidates: list[Candidate]
    candidates_total: int = Field(description="How many there are, told or not.")
    candidates_kept: int
    revision: int = Field(description="The revision of the registry.")
    serial: int = Field(description="The SOA serial of the live zone.")
