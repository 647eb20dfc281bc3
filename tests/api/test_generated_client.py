"""A client that openapi-python-client makes of the document works against the program."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

from tests.api.test_document import read_document
from tests.program import PATIENCE, Program

USE = """
import sys

from made import Client
from made.api.dns import query_dns_by_get
from made.api.instances import (
    get_instance,
    list_instances,
    put_instance,
    register_instances,
    remove_instance,
    renew_instance,
    renew_instances,
    set_instance_status,
)
from made.api.services import get_service
from made.models import (
    HeartbeatIds,
    HttpCheck,
    HttpCheckType,
    Instance,
    InstanceList,
    Problem,
    Registration,
    Status,
    StatusChange,
)

with Client(base_url=sys.argv[1]) as client:
    least = Registration(service="user-service", address="10.0.0.1", port=8080)
    made = register_instances.sync(client=client, body=least)
    assert isinstance(made, Instance), made
    assert (made.service, made.ttl, made.address) == ("user-service", 30, "10.0.0.1")

    check = HttpCheck(type_=HttpCheckType.HTTP, path="/health", delay=60)
    more = Registration(
        service="user-service", address=["10.0.0.2", "fd00::2"], port=8080, checks=[check]
    )
    put = put_instance.sync("web-2", client=client, body=more)
    assert isinstance(put, Instance), put
    [told] = put.checks
    assert (told.type_, told.path, put.address) == ("http", "/health", ["10.0.0.2", "fd00::2"])

    many = register_instances.sync(client=client, body=[least, least])
    assert isinstance(many, InstanceList), many

    assert renew_instance.sync(made.id, client=client).ttl == 30
    renewal = renew_instances.sync(client=client, body=HeartbeatIds(ids=[made.id, "nobody"]))
    assert (renewal.renewed, renewal.unknown) == (1, ["nobody"])

    page = list_instances.sync(client=client, service="user-service", limit=3)
    rest = list_instances.sync(
        client=client, service="user-service", limit=3, cursor=page.next_cursor
    )
    listed = [each.id for each in (*page.instances, *rest.instances)]
    assert listed == sorted({made.id, "web-2", *(each.id for each in many.instances)})
    assert (len(page.instances), len(rest.instances), rest.next_cursor) == (3, 1, None)
    assert get_service.sync("user-service", client=client).count == 4

    drained = set_instance_status.sync(
        made.id, client=client, body=StatusChange(status=Status.DRAINING)
    )
    assert drained.status is Status.DRAINING

    gone = remove_instance.sync_detailed(made.id, client=client)
    assert gone.status_code == 204
    unknown = get_instance.sync(made.id, client=client)
    assert isinstance(unknown, Problem)
    assert (unknown.type_, unknown.status) == ("unknown-instance", 404)
    refused = put_instance.sync("a b", client=client, body=least)
    assert (refused.type_, refused.field) == ("invalid-field", "id")
"""


async def test_a_generated_client_registers_renews_lists_and_removes(
    program: Program, tmp_path: Path
) -> None:
    document, config = tmp_path / "openapi.json", tmp_path / "config.json"
    document.write_text(json.dumps(await read_document(program)), encoding="utf-8")
    octets = {"application/dns-message": "application/octet-stream"}
    config.write_text(json.dumps({"post_hooks": [], "content_type_overrides": octets}))
    generator = str(Path(sys.executable).with_name("openapi-python-client"))
    told = await _run(
        *(generator, "generate", "--path", str(document), "--config", str(config)),
        *("--meta", "none", "--output-path", str(tmp_path / "made")),
        folder=tmp_path,
    )
    assert "WARNING" not in told, told
    (tmp_path / "use.py").write_text(USE, encoding="utf-8")
    await _run(sys.executable, "use.py", program.url, folder=tmp_path)


async def _run(*command: str, folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1"}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=PIPE, stderr=STDOUT, env=environment
    )
    async with asyncio.timeout(PATIENCE * 3):
        out, _ = await process.communicate()
    text = out.decode()
    assert process.returncode == 0, text
    return text
