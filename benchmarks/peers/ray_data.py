"""The work with Ray Data: read the source by `read_bigquery`, compute in Ray, write by `write_bigquery`.

    python -m benchmarks.peers.ray_data PROJECT STORAGE DATES

Ray Data has no setting for BigQuery's address and asks for Google credentials. Its two functions that make a client
are replaced, in this process and in its workers, by ones that make the same clients for the local BigQuery; nothing
else is. Google's REST client takes the address from BIGQUERY_EMULATOR_HOST, the Storage client from BENCH_STORAGE.

The target is made anew before, and `write_bigquery` adds to it. By itself it would drop the table and let its loads
make another, without partitions; the local BigQuery has no loads that make tables.
"""

import os
import sys
from datetime import date, timedelta
from typing import Any

import grpc
import pandas as pd  # type: ignore[import-untyped]
import ray
import ray.data
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, bigquery_storage
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport
from ray.data._internal.datasource import bigquery_datasource

from benchmarks.averages.work import DATASET, SOURCE, TARGET, WINDOW_DAYS, Work

CONCURRENCY = 16
"""Blocks to write, each by one load, and tasks at once."""
CPUS = 4
"""CPUs that Ray is told of: a task is a process, and sixteen of them would take longer to start than to work."""

EMPTY = f"CREATE OR REPLACE TABLE {TARGET} (day DATE, player INT64, average FLOAT64) PARTITION BY day"


def use_local_bigquery() -> None:
    """Replace the functions that make clients."""

    def rest_client(project_id: str) -> bigquery.Client:
        return bigquery.Client(project_id, AnonymousCredentials())

    def read_client() -> Any:
        channel = grpc.insecure_channel(os.environ["BENCH_STORAGE"])
        return bigquery_storage.BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))

    bigquery_datasource._create_client = rest_client
    bigquery_datasource._create_read_client = read_client


def averages(days: tuple[date, ...], scores: pd.DataFrame) -> pd.DataFrame:
    """Every player's average of every date."""
    windows = []
    for day in days:
        window = scores[(scores["day"] > day - timedelta(days=WINDOW_DAYS)) & (scores["day"] <= day)]
        means = window.groupby("player", as_index=False).agg(average=("points", "mean"))
        windows.append(means.assign(day=day)[["day", "player", "average"]])
    return pd.concat(windows)


def main() -> None:
    """All dates at once: Ray Data knows rows, not partitions."""
    project, storage, dates = sys.argv[1], sys.argv[2], int(sys.argv[3])
    os.environ["BENCH_STORAGE"] = storage
    use_local_bigquery()
    ray.init(
        address="local",
        num_cpus=CPUS,
        include_dashboard=False,
        runtime_env={"worker_process_setup_hook": use_local_bigquery},
    )
    client = bigquery_datasource._create_client(project)
    client.create_dataset(DATASET, exists_ok=True)
    client.query(EMPTY).result()
    days = Work(dates, 0).days
    source = ray.data.read_bigquery(  # type: ignore[attr-defined]
        project, SOURCE, override_num_blocks=1, concurrency=CONCURRENCY
    )
    computed = source.map_batches(lambda scores: averages(days, scores), batch_size=None, batch_format="pandas")
    computed.repartition(CONCURRENCY).write_bigquery(project, TARGET, overwrite_table=False, concurrency=CONCURRENCY)


if __name__ == "__main__":
    main()
