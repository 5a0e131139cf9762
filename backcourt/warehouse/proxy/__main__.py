"""`python -m backcourt.warehouse.proxy '<options as JSON>'`: the process that `LocalBigQuery` starts."""

import asyncio
import sys

from backcourt.clock import SystemClock
from backcourt.warehouse.proxy.server import run
from backcourt.warehouse.proxy.settings import ServerOptions

sys.exit(asyncio.run(run(ServerOptions.model_validate_json(sys.argv[1]), SystemClock())))
