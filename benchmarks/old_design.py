"""The design that backcourt replaced, as it was: a pool of processes, a client in each of many threads, no permits.

    python -m benchmarks.old_design ENDPOINT PROJECT DATES PLAYERS

8 dates at a time, each in a process with 32 threads; each thread has a BigQuery client of its own and asks one query
a player, with the client's own retries. Then the date's rows are deleted and inserted. Prints each date that is done.
"""

import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from datetime import date, timedelta

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from benchmarks.synthetic import FIRST

PROCESSES, THREADS = 8, 32
SOURCE, TARGET = "bench.level0_0", "bench.old_features"
ONE_PLAYER = (
    f"SELECT AVG(value_0) AS average FROM {SOURCE} "
    "WHERE key = @key AND day BETWEEN DATE_SUB(@day, INTERVAL 30 DAY) AND @day"
)


def client(endpoint: str, project: str) -> bigquery.Client:
    """A plain client."""
    options = ClientOptions(api_endpoint=endpoint)
    return bigquery.Client(project, AnonymousCredentials(), client_options=options)  # type: ignore[no-untyped-call]


def one_player(endpoint: str, project: str, day: date, key: int) -> float:
    """A player's average, asked by a client made for it."""
    parameters = [bigquery.ScalarQueryParameter("key", "INT64", key), bigquery.ScalarQueryParameter("day", "DATE", day)]
    config = bigquery.QueryJobConfig(query_parameters=parameters)
    (row,) = client(endpoint, project).query(ONE_PLAYER, job_config=config).result()
    return float(row["average"])


def one_date(endpoint: str, project: str, day: date, players: int) -> date:
    """A date: a query a player, then delete and insert."""
    with ThreadPoolExecutor(THREADS) as threads:
        averages = list(threads.map(lambda key: one_player(endpoint, project, day, key), range(players)))
    writer = client(endpoint, project)
    rows = ", ".join(f"(DATE '{day}', {key}, {value!r})" for key, value in enumerate(averages))
    writer.query(f"DELETE FROM {TARGET} WHERE day = DATE '{day}'").result()
    writer.query(f"INSERT INTO {TARGET} (day, key, average) VALUES {rows}").result()
    return day


def main() -> None:
    """Every date."""
    endpoint, project, dates, players = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    days = [FIRST + timedelta(days=n) for n in range(dates)]
    with ProcessPoolExecutor(PROCESSES) as processes:
        running = [processes.submit(one_date, endpoint, project, day, players) for day in days]
        for done in as_completed(running):
            error = done.exception()
            print("failed" if error else "done", error or done.result(), flush=True)


if __name__ == "__main__":
    main()
