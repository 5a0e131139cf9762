"""A script's transaction as one of DuckDB's, in the emulator's process.

bqemulator 1.4 copies every table that a transaction changes and, when the script fails, deletes its rows and puts the
copy back. So a commit would take longer the fuller its table and its ledger are, and a kill halfway would leave it
torn. It copies because DuckDB ends a transaction at its first error, where BigQuery lets a script catch it; a commit's
script catches nothing, and the proxy lets nobody else use the emulator's one connection while a script runs.
"""

from bqemulator.jobs import executor
from bqemulator.scripting.interpreter import ScriptInterpreter


class _OneTransaction(ScriptInterpreter):
    """What of bqemulator's interpreter deals with copies; an open transaction is a dictionary there, empty here."""

    async def _handle_txn_statement(self, op: str) -> None:
        if op == "BEGIN" and self._active_txn is None:
            self._ctx.engine.execute("BEGIN TRANSACTION")
        await super()._handle_txn_statement(op)

    async def _snapshot_dml_targets(self, sql: str) -> None:
        pass

    async def _drop_txn_snapshots(self) -> None:
        if self._active_txn is not None:
            self._ctx.engine.execute("COMMIT")
        self._active_txn = None

    async def _restore_txn_snapshots(self) -> None:
        if self._active_txn is not None:
            self._ctx.engine.execute("ROLLBACK")
        self._active_txn = None


def install() -> None:
    """Let scripts run so."""
    executor.ScriptInterpreter = _OneTransaction  # type: ignore[attr-defined]
