"""What must hold in the end, whoever was killed and when."""

import json

from tests.faults.kills.fork_server import Child
from tests.faults.kills.place import Window
from tests.integration.shop_runs import Hashes, eventually

QUIET_SECONDS = 60.0
"""How long calls of dead commands that the proxy held back may take to come to nothing."""


def assert_as_if_nothing_happened(window: Window, everything: Hashes, last: Child) -> None:
    """Rows and ledger as of an undisturbed run, each partition written once; nothing and nobody left behind.

    The polling reader has its own say: see `Reader`.

    Args:
        window: the case's dates.
        everything: hashes of all partitions of an undisturbed run.
        last: the command that ended well.
    """
    store, expected = window.store, window.whole(everything)
    assert store.hashes_of_rows(window.tables) == expected
    assert store.hashes_in_ledger(window.tables) == expected
    assert window.ledger_rows() == len(expected)
    eventually(lambda: store.jobs_running() == (), QUIET_SECONDS)
    assert store.staging() == []
    in_flight = store.server.control.counters()["in_flight"]
    assert not any(number for kind, number in in_flight.items() if kind not in ("read", "query")), in_flight
    if "Nothing is left to do" not in last.told:
        assert set(json.loads(last.permits.read_text())) == {"read", "query", "load", "commit"}
