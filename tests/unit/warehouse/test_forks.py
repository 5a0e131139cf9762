"""A process that has talked to BigQuery starts others, Ray's among them; gRPC must not meddle with those."""

import os
import subprocess
import sys

FORK = """
import os
from backcourt.warehouse.google_clients import BigQueryReadGrpcTransport
import grpc

channel = grpc.insecure_channel("127.0.0.1:1")
try:
    grpc.channel_ready_future(channel).result(timeout=0.3)
except grpc.FutureTimeoutError:
    pass
assert len(os.listdir("/proc/self/task")) > 1, "gRPC has no threads here, so this test shows nothing"
if not (child := os.fork()):
    os._exit(len(os.listdir("/proc/self/task")))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def threads_of_a_fork(**environment: str) -> int:
    kept = {name: value for name, value in os.environ.items() if name != "GRPC_ENABLE_FORK_SUPPORT"}
    command = [sys.executable, "-c", FORK]
    done = subprocess.run(command, env={**kept, **environment}, capture_output=True, text=True, timeout=60, check=True)
    return int(done.stdout)


def test_a_fork_has_no_threads_of_grpc() -> None:
    assert threads_of_a_fork() == 1


def test_grpc_would_start_some() -> None:
    """Once this fails gRPC has mended it, and backcourt.warehouse need not set anything."""
    assert threads_of_a_fork(GRPC_ENABLE_FORK_SUPPORT="1") > 1
