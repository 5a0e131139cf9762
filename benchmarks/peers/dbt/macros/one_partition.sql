{#
  The batch's partition is told to dbt's own insert_overwrite, which then is one MERGE. Left to itself dbt finds it by a
  script with ARRAY_AGG(DISTINCT … IGNORE NULLS), which the local BigQuery cannot run; it would take longer, too.
#}
{% macro bq_generate_microbatch_build_sql(
    tmp_relation, target_relation, sql, unique_key, partition_by, partitions, dest_columns, tmp_relation_exists, copy_partitions
) %}
  {% set day = "DATE '" ~ model.batch.event_time_start.strftime('%Y-%m-%d') ~ "'" %}
  {{ return(bq_insert_overwrite_sql(
      tmp_relation, target_relation, sql, unique_key, partition_by, [day], dest_columns, tmp_relation_exists, copy_partitions
  )) }}
{% endmacro %}
