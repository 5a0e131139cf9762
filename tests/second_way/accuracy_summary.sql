-- Errors by system over the last 1, 7 and 30 days of each graded date.
SELECT
    d.game_date,
    d.system_id,
    w.name AS window,
    count(*) AS predictions,
    avg(a.absolute_error) AS mean_absolute_error,
    avg(a.signed_error) AS mean_signed_error,
    100 * avg(a.within_3_points::INT) AS within_3_pct,
    100 * avg(a.within_5_points::INT) AS within_5_pct,
    count(a.prediction_correct) AS recommendations,
    avg(a.prediction_correct::INT) AS hit_rate
FROM (SELECT DISTINCT game_date, system_id FROM prediction_accuracy) AS d
CROSS JOIN (VALUES ('day', 0), ('7d', 6), ('30d', 29)) AS w (name, back)
JOIN prediction_accuracy AS a
    ON a.system_id = d.system_id AND a.game_date BETWEEN d.game_date - w.back::INT AND d.game_date
GROUP BY d.game_date, d.system_id, w.name
