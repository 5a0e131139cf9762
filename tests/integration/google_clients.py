"""Google's own clients, pointed at a local BigQuery."""

import io
from collections.abc import Iterator
from datetime import date

import grpc
import pyarrow as pa
import pyarrow.parquet as pq
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import BigQueryReadClient
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport
from google.cloud.bigquery_storage_v1.types import DataFormat, ReadSession

from backcourt.warehouse.endpoint import Endpoint

GAMES = (
    bigquery.SchemaField("game_date", "DATE", "REQUIRED"),
    bigquery.SchemaField("team", "STRING", "REQUIRED"),
    bigquery.SchemaField("points", "INT64"),
)


def rest_client(endpoint: Endpoint) -> bigquery.Client:
    options = ClientOptions(api_endpoint=endpoint.rest)
    return bigquery.Client(endpoint.project, AnonymousCredentials(), client_options=options)


def storage_client(endpoint: Endpoint) -> BigQueryReadClient:
    options = [("grpc.max_receive_message_length", -1)]  # as the channels that Google's client makes
    channel = grpc.insecure_channel(endpoint.storage, options=options)
    return BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))


def make_table(client: bigquery.Client, name: str, schema: tuple[bigquery.SchemaField, ...] = GAMES) -> str:
    """An empty table `name` in a dataset that exists; returns `dataset.table`."""
    client.create_dataset("games", exists_ok=True)
    client.delete_table(f"{client.project}.games.{name}", not_found_ok=True)
    client.create_table(bigquery.Table(f"{client.project}.games.{name}", schema=schema))
    return f"games.{name}"


def rows(client: bigquery.Client, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in client.query(sql).result()]


def parquet(count: int) -> io.BytesIO:
    """A file of `count` games."""
    columns = {"game_date": [date(2024, 1, 1)] * count, "team": ["BOS"] * count, "points": list(range(count))}
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, compression="none")
    file.seek(0)
    return file


def load(
    client: bigquery.Client, table: str, file: io.BytesIO, job_id: str, *, multipart: bool = False
) -> bigquery.LoadJob:
    """Begin a load: of unknown size, which Google's client sends as a resumable upload, or in one multipart call."""
    size = len(file.getvalue()) if multipart else None
    config = bigquery.LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_APPEND", schema=GAMES)
    target = f"{client.project}.{table}"
    return client.load_table_from_file(file, target, size=size, job_id=job_id, job_config=config)


def open_session(client: BigQueryReadClient, endpoint: Endpoint, table: str, streams: int = 1) -> ReadSession:
    dataset, name = table.split(".")
    session = ReadSession(
        table=f"projects/{endpoint.project}/datasets/{dataset}/tables/{name}", data_format=DataFormat.ARROW
    )
    return client.create_read_session(
        parent=f"projects/{endpoint.project}", read_session=session, max_stream_count=streams
    )


def read(client: BigQueryReadClient, session: ReadSession) -> Iterator[pa.RecordBatch]:
    for stream in session.streams:
        for page in client.read_rows(stream.name).rows(session).pages:
            yield page.to_arrow()
