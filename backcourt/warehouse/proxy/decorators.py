"""Queries whose result replaces one partition: the destination `table$20240131` with WRITE_TRUNCATE.

bqemulator 1.4 throws such a result away without a word. Here it becomes a script that deletes the partition's rows and
inserts the result in one transaction: what BigQuery does, atomically for each partition and job
(bq:partitioned-table-data, "Writing data to a specific partition", read 2026-11). Its query may have no parameters.
"""

import re
from datetime import datetime
from typing import Any

from backcourt.warehouse.proxy.answers import Refused
from backcourt.warehouse.proxy.jobs import Job
from backcourt.warehouse.proxy.upstream import Upstream

_DECORATED = re.compile(r"(?P<table>[^$]+)\$(?P<day>\d{8})")


def is_partition(job: Job) -> bool:
    """Whether the job is a query whose result replaces a daily partition."""
    query = job.configuration.get("query", {})
    table = query.get("destinationTable", {}).get("tableId", "")
    return query.get("writeDisposition") == "WRITE_TRUNCATE" and _DECORATED.fullmatch(table) is not None


async def replacing(upstream: Upstream, job: Job) -> dict[str, Any]:
    """The job's configuration with a script that replaces the partition; the caller has the turn.

    Raises:
        Refused: there is no such table, or it has no partition column.
    """
    query = job.configuration["query"]
    target = query["destinationTable"]
    found = _DECORATED.fullmatch(target["tableId"])
    if found is None:
        raise Refused("invalid", f"{target['tableId']} names no partition.")
    dataset, table = target["datasetId"], found["table"]
    reply = await upstream.send("GET", f"/bigquery/v2/projects/{job.project}/datasets/{dataset}/tables/{table}")
    resource = reply.json()
    column = resource.get("timePartitioning", {}).get("field")
    if not reply.ok or not column:
        raise Refused("invalid", f"{dataset}.{table} has no partition column.")
    columns = ", ".join(f"`{field['name']}`" for field in resource["schema"]["fields"])
    day = datetime.strptime(found["day"], "%Y%m%d").date()  # noqa: DTZ007 (a date has no zone)
    name = f"`{job.project}.{dataset}.{table}`"
    script = (
        f"BEGIN TRANSACTION;\nDELETE FROM {name} WHERE `{column}` = DATE '{day}';\n"
        f"INSERT INTO {name} ({columns}) SELECT {columns} FROM ({query['query']});\nCOMMIT TRANSACTION;"
    )
    return {**job.configuration, "query": {"query": script, "useLegacySql": False}}
