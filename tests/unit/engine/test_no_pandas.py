"""Nothing that a driver or a worker does imports pandas: it costs each process half a second and 40 MiB."""

import subprocess
import sys

WORK = """
import sys
from datetime import UTC, date, datetime

import pyarrow as pa

from backcourt.pipeline.outcomes import Outcome, Partition, PartitionOutcome
from backcourt.warehouse.history import append_outcomes
from ray_tasks.steps import _only_dates

days = [date(2024, 1, 1), date(2024, 1, 2)]
outcomes = [PartitionOutcome(Partition("d.t", day), Outcome.COMMITTED, missing=("ann",)) for day in days]
rows = append_outcomes(outcomes, "r", 1, datetime.now(UTC), "state", "job").rows
assert _only_dates(rows, "partition_date", days[1:])["partition_date"].to_pylist() == days[1:]
assert [field.type for field in rows.schema if field.name == "missing"] == [pa.string()]
assert "pandas" not in sys.modules
pa.array(days)
print("pandas" in sys.modules)
"""


def test_recording_and_staging_do_without_pandas() -> None:
    done = subprocess.run([sys.executable, "-c", WORK], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "True\n"  # once this fails pyarrow does without it, and so may we
