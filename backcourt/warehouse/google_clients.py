"""Google's clients of BigQuery, imported without pandas.

Both import pandas where it is installed (here with nba_api) for methods that nothing here calls. That costs more than
a second of CPU in the command, in the reaper and in every worker, before the first of them can do anything.
"""

import sys

_UNUSED = "pandas"
_in_sight = _UNUSED in sys.modules
if not _in_sight:
    sys.modules[_UNUSED] = None  # type: ignore[assignment]  # an import fails, as where it is not installed
try:
    from google.cloud import bigquery
    from google.cloud.bigquery_storage_v1 import types as storage_types
    from google.cloud.bigquery_storage_v1.services.big_query_read import BigQueryReadClient
    from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport
finally:
    if not _in_sight:
        del sys.modules[_UNUSED]  # a processor may import it

__all__ = ["BigQueryReadClient", "BigQueryReadGrpcTransport", "bigquery", "storage_types"]
