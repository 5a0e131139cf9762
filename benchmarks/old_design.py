"""The design that backcourt replaced, as it was: a pool of processes, a client in each of many threads, no permits.

    python -m benchmarks.old_design PROJECT DATES PLAYERS

8 dates at a time, each in a process with 32 threads; each thread has a BigQuery client of its own and asks one query
a player, with the client's own retries. Then the date's rows are deleted and inserted. Google's client takes the
address of a local BigQuery from BIGQUERY_EMULATOR_HOST.
"""

import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from datetime import date

from google.cloud import bigquery

from benchmarks.averages.work import DATASET, TARGET, WINDOW_SQL, Work
from benchmarks.peers.thread_pool import TABLE, plain_client

PROCESSES, THREADS = 8, 32
ONE_PLAYER = WINDOW_SQL.format(day="@day") + " AND player = @player GROUP BY player"


def one_player(project: str, day: date, player: int) -> float:
    """A player's average, asked by a client made for it."""
    parameters = [
        bigquery.ScalarQueryParameter("player", "INT64", player),
        bigquery.ScalarQueryParameter("day", "DATE", day),
    ]
    config = bigquery.QueryJobConfig(query_parameters=parameters)
    (row,) = plain_client(project).query(ONE_PLAYER, job_config=config).result()
    return float(row["average"])


def one_date(project: str, day: date, players: int) -> None:
    """A date: a query a player, then delete and insert."""
    with ThreadPoolExecutor(THREADS) as threads:
        averages = list(threads.map(lambda player: one_player(project, day, player), range(players)))
    writer = plain_client(project)
    rows = ", ".join(f"(DATE '{day}', {player}, {average!r})" for player, average in enumerate(averages))
    writer.query(f"DELETE FROM {TARGET} WHERE day = DATE '{day}'").result()
    writer.query(f"INSERT INTO {TARGET} (day, player, average) VALUES {rows}").result()


def main() -> int:
    """Every date; 1 if one failed."""
    project, work = sys.argv[1], Work(int(sys.argv[2]), int(sys.argv[3]))
    client = plain_client(project)
    client.create_dataset(DATASET, exists_ok=True)
    client.query(TABLE).result()
    failed = 0
    with ProcessPoolExecutor(PROCESSES) as processes:
        running = {processes.submit(one_date, project, day, work.players): day for day in work.days}
        for done in as_completed(running):
            if error := done.exception():
                failed += 1
                print(running[done], repr(error), file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
