"""The thin proxy before the local BigQuery: counts, makes jobs asynchronous, enforces limits, lets things go wrong."""
