"""A master, a replica and a Sentinel that watches them."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.program import LOOPBACK, PATIENCE
from tests.redisserver import RedisServer, find_free_port, find_server

MASTER_NAME = "registry"


@dataclass
class Guarded:
    """Two servers, of which the Sentinel names the master."""

    master: RedisServer
    replica: RedisServer
    port: int
    process: "subprocess.Popen[bytes]"

    @classmethod
    def start(cls, master: RedisServer, replica: RedisServer, folder: Path) -> "Guarded":
        replica.command("REPLICAOF", master.host, master.port)
        port = find_free_port()
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {port}\nbind {LOOPBACK}\ndir {folder}\n"
            f"sentinel monitor {MASTER_NAME} {master.host} {master.port} 1\n"
            f"sentinel down-after-milliseconds {MASTER_NAME} 700\n"
            f"sentinel failover-timeout {MASTER_NAME} 3000\n"
        )
        with (folder / "sentinel.log").open("wb") as out:
            process = subprocess.Popen([find_server(), str(config), "--sentinel"], stdout=out)
        guarded = cls(master, replica, port, process)
        try:
            guarded._wait()
        except BaseException:
            guarded.stop()
            raise
        return guarded

    @property
    def url(self) -> str:
        return f"redis+sentinel://{LOOPBACK}:{self.port}/{MASTER_NAME}"

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def _knows_replica(self) -> bool:
        info = self.master.command("INFO", "replication")
        if info.get("slave0", {}).get("state") != "online":
            return False
        sentinel = redis.Sentinel([(LOOPBACK, self.port)])  # type: ignore[no-untyped-call]
        return bool(sentinel.discover_slaves(MASTER_NAME))  # type: ignore[no-untyped-call]

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                if self._knows_replica():
                    return
            except redis.ConnectionError:
                pass
            assert time.monotonic() < until
            time.sleep(0.05)
