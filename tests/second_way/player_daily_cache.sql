-- Form of everyone who played and had five games before. True shooting and usage: means of the games' values.
WITH lines AS (
    SELECT
        *,
        game_date - lag(game_date) OVER (PARTITION BY player_lookup ORDER BY game_date) AS days_since
    FROM player_game_summary
),
history AS (
    SELECT
        p.player_lookup,
        p.game_date AS day,
        p.team_abbr AS team,
        l.*  EXCLUDE (player_lookup),
        row_number() OVER (PARTITION BY p.game_date, p.player_lookup ORDER BY l.game_date DESC) AS ago
    FROM player_game_summary AS p
    JOIN lines AS l ON l.player_lookup = p.player_lookup AND l.game_date < p.game_date
    WHERE p.game_date >= DATE '2023-11-07'
),
team_form AS (
    SELECT d.day, d.team, avg(o.pace) AS pace, avg(o.offensive_rating) AS rating
    FROM (SELECT DISTINCT day, team FROM history) AS d
    JOIN (
        SELECT h.day, h.team, o.*, row_number() OVER (PARTITION BY h.day, h.team ORDER BY o.game_date DESC) AS ago
        FROM (SELECT DISTINCT day, team FROM history) AS h
        JOIN team_offense_game_summary AS o ON o.team_abbr = h.team AND o.game_date < h.day
    ) AS o ON o.day = d.day AND o.team = d.team AND o.ago <= 10
    GROUP BY d.day, d.team
),
form AS (
    SELECT
        player_lookup,
        day,
        any_value(team) AS team,
        avg(points) FILTER (ago <= 5) AS points_5,
        avg(points) FILTER (ago <= 10) AS points_10,
        avg(points) AS points_season,
        stddev_samp(points) FILTER (ago <= 10) AS deviation,
        avg(minutes_played) FILTER (ago <= 5) AS minutes_5,
        avg(minutes_played) FILTER (ago <= 10) AS minutes_10,
        avg(minutes_played) AS minutes_season,
        avg(usage_rate) FILTER (ago <= 5) AS usage_5,
        avg(usage_rate) FILTER (ago <= 10) AS usage_10,
        avg(usage_rate) AS usage_season,
        avg(ts_pct) FILTER (ago <= 5) AS ts_5,
        avg(ts_pct) FILTER (ago <= 10) AS ts_10,
        avg(ts_pct) AS ts_season,
        count(*) AS games,
        count(*) FILTER (game_date > day - 7) AS games_7,
        count(*) FILTER (game_date > day - 14) AS games_14,
        coalesce(sum(minutes_played) FILTER (game_date > day - 7), 0) AS minutes_7,
        coalesce(sum(minutes_played) FILTER (game_date > day - 14), 0) AS minutes_14,
        count(*) FILTER (game_date > day - 14 AND days_since = 1) AS b2b_14
    FROM history
    GROUP BY player_lookup, day
    HAVING count(*) >= 5
)
SELECT
    f.player_lookup,
    f.day AS cache_date,
    2023 AS season_year,
    f.team AS team_abbr,
    points_5 AS points_avg_last_5,
    points_10 AS points_avg_last_10,
    points_season AS points_avg_season,
    deviation AS points_std_last_10,
    minutes_5 AS minutes_avg_last_5,
    minutes_10 AS minutes_avg_last_10,
    minutes_season AS minutes_avg_season,
    usage_5 AS usage_rate_last_5,
    usage_10 AS usage_rate_last_10,
    usage_season AS player_usage_rate_season,
    ts_5 AS ts_pct_last_5,
    ts_10 AS ts_pct_last_10,
    ts_season AS ts_pct_season,
    games AS games_played_season,
    games_7 AS games_in_last_7_days,
    games_14 AS games_in_last_14_days,
    minutes_7 AS minutes_in_last_7_days,
    minutes_14 AS minutes_in_last_14_days,
    b2b_14 AS back_to_backs_last_14_days,
    minutes_7 / nullif(games_7, 0) AS avg_minutes_per_game_last_7,
    t.pace AS team_pace_last_10,
    t.rating AS team_off_rating_last_10,
    z.primary_scoring_zone,
    z.paint_rate_last_10,
    z.mid_range_rate_last_10,
    z.three_pt_rate_last_10,
    NULL::BIGINT AS player_age,
    games < 10 AS early_season_flag,
    'v1' AS cache_version
FROM form AS f
JOIN team_form AS t USING (day, team)
LEFT JOIN player_shot_zone_analysis AS z ON z.analysis_date = f.day AND z.player_lookup = f.player_lookup
