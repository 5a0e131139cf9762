"""What talks to BigQuery.

gRPC would start threads of its own in every process that is forked from this one, until that one becomes another
program; such a thread can abort the child (github.com/grpc/grpc/issues/43055, read 2026-11). Ray's processes start
that way: about one local Ray in twenty did not come up. Nothing here uses gRPC in a fork, so gRPC is told to leave
forks alone, before its first import.
"""

import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
