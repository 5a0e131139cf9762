{{ config(
    materialized='incremental',
    incremental_strategy='microbatch',
    event_time='day',
    batch_size='day',
    begin='2024-01-31',
    lookback=0,
    concurrent_batches=true,
    partition_by={'field': 'day', 'data_type': 'date', 'granularity': 'day'},
) }}
{% set day = "DATE '" ~ (model.batch.event_time_start.strftime('%Y-%m-%d') if model.batch else '2024-01-31') ~ "'" %}
SELECT {{ day }} AS day, player, AVG(points) AS average
FROM {{ source('bench_raw', 'scores') }}
WHERE day BETWEEN DATE_SUB({{ day }}, INTERVAL 30 DAY) AND {{ day }}
GROUP BY player
