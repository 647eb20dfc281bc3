"""The heartbeat route on FastAPI: what somebody writes who needs only that.

Started by uvicorn; `INSTANCES` in the environment says how many leases there are.
"""

import os
import time
from datetime import UTC, datetime

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

TTL = 30.0

deadlines = {f"i-{number:07d}": 0.0 for number in range(int(os.environ["INSTANCES"]))}


class Renewed(BaseModel):
    """What a heartbeat is answered."""

    expires_at: str
    ttl: float


async def renew(instance_id: str) -> Renewed:
    """Renew a lease."""
    if instance_id not in deadlines:
        raise HTTPException(404, "unknown-instance")
    deadline = time.time() + TTL
    deadlines[instance_id] = deadline
    told = datetime.fromtimestamp(deadline, UTC).isoformat(timespec="milliseconds")
    return Renewed(expires_at=told.replace("+00:00", "Z"), ttl=TTL)


app = FastAPI()
app.add_api_route("/v1/instances/{instance_id}/heartbeat", renew, methods=["POST"])
