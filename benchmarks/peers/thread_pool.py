"""A pool of threads with Google's client: what one would write in an afternoon.

    python -m benchmarks.peers.thread_pool delete-insert|overwrite PROJECT DATES

16 dates at a time, a client each. `delete-insert`: the date's rows are deleted, then inserted. `overwrite`: one query
whose result replaces the partition, the best that BigQuery has for this. Google's client retries each call as it does
by default; around it a date is tried again, five times in all.
"""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from google.api_core.exceptions import GoogleAPIError
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from benchmarks.averages.work import DATASET, TARGET, WINDOW_SQL, Work

THREADS, TRIES = 16, 5
TABLE = f"CREATE TABLE IF NOT EXISTS {TARGET} (day DATE, player INT64, average FLOAT64) PARTITION BY day"
OneDate = Callable[[bigquery.Client, date], None]


def delete_insert(client: bigquery.Client, day: date) -> None:
    """Two statements."""
    client.query(f"DELETE FROM {TARGET} WHERE day = DATE '{day}'").result()
    client.query(f"INSERT INTO {TARGET} (day, player, average) {rows_of(day)}").result()


def overwrite(client: bigquery.Client, day: date) -> None:
    """One query, which replaces the partition."""
    partition = bigquery.TableReference.from_string(f"{client.project}.{TARGET}${day:%Y%m%d}")
    config = bigquery.QueryJobConfig(destination=partition, write_disposition="WRITE_TRUNCATE")
    client.query(rows_of(day), job_config=config).result()


def rows_of(day: date) -> str:
    """The query of a date's rows."""
    return WINDOW_SQL.format(day=f"DATE '{day}'") + " GROUP BY player"


def tried(one_date: OneDate, project: str, day: date) -> bool:
    """A date, tried again where it failed; whether it was done."""
    for _ in range(TRIES):
        try:
            one_date(plain_client(project), day)
        except GoogleAPIError as error:
            print(day, error, file=sys.stderr, flush=True)
        else:
            return True
    return False


def plain_client(project: str) -> bigquery.Client:
    """Google's client; it takes the address of a local BigQuery from BIGQUERY_EMULATOR_HOST."""
    return bigquery.Client(project, AnonymousCredentials())


def main() -> int:
    """Every date."""
    how, project, dates = sys.argv[1], sys.argv[2], int(sys.argv[3])
    one_date = {"delete-insert": delete_insert, "overwrite": overwrite}[how]
    client = plain_client(project)
    client.create_dataset(DATASET, exists_ok=True)
    client.query(TABLE).result()
    with ThreadPoolExecutor(THREADS) as threads:
        done = list(threads.map(lambda day: tried(one_date, project, day), Work(dates, 0).days))
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
