"""Backcourt beside what else could do the same work: dbt, Ray Data, a pool of threads."""
