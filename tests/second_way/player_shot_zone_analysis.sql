-- Every player on every date that the team of his last game plays, from the shots themselves. The season began on
-- 2023-10-24, its bootstrap ends on 2023-11-06, and the 21 days with a lower need on 2023-11-27.
WITH sides AS (
    SELECT game_date AS day, home_team AS team FROM schedule WHERE game_date >= DATE '2023-11-07'
    UNION ALL
    SELECT game_date, away_team FROM schedule WHERE game_date >= DATE '2023-11-07'
),
taken AS (
    SELECT
        game_id,
        regexp_replace(lower(strip_accents(player_name)), '[^a-z]', '', 'g') AS player_lookup,
        CASE
            WHEN basic_zone IN ('Restricted Area', 'In The Paint (Non-RA)') THEN 'paint'
            WHEN basic_zone = 'Mid-Range' THEN 'mid'
            ELSE 'three'
        END AS zone,
        made
    FROM shots
),
ranked AS (
    SELECT
        d.day,
        p.player_lookup,
        p.team_abbr,
        p.game_id,
        row_number() OVER (PARTITION BY d.day, p.player_lookup ORDER BY p.game_date DESC, p.game_id DESC) AS ago,
        count(*) OVER (PARTITION BY d.day, p.player_lookup) AS own_games
    FROM (SELECT DISTINCT day FROM sides) AS d
    JOIN player_game_summary AS p ON p.game_date < d.day
),
enough AS (
    SELECT r.day, r.player_lookup, r.own_games
    FROM ranked AS r
    JOIN sides AS s ON s.day = r.day AND s.team = r.team_abbr
    WHERE r.ago = 1
      AND r.own_games >= CASE
          WHEN r.day >= DATE '2023-11-28' THEN 10
          ELSE least(10, (
              SELECT count(*) FROM team_offense_game_summary AS o WHERE o.team_abbr = r.team_abbr AND o.game_date < r.day
          ))
      END
),
sample AS (
    SELECT e.day, e.player_lookup, e.own_games, r.game_id, r.ago
    FROM enough AS e
    JOIN ranked AS r ON r.day = e.day AND r.player_lookup = e.player_lookup
    WHERE r.ago <= 20
),
counted AS (
    SELECT
        s.day,
        s.player_lookup,
        any_value(s.own_games) AS own_games,
        count(*) FILTER (ago <= 10 AND zone IS NOT NULL) AS shots,
        count(*) FILTER (ago <= 10 AND zone = 'paint') AS paint,
        count(*) FILTER (ago <= 10 AND zone = 'mid') AS mid,
        count(*) FILTER (ago <= 10 AND zone = 'three') AS three,
        count(*) FILTER (ago <= 10 AND zone = 'paint' AND made) AS paint_made,
        count(*) FILTER (ago <= 10 AND zone = 'mid' AND made) AS mid_made,
        count(*) FILTER (ago <= 10 AND zone = 'three' AND made) AS three_made,
        count(*) FILTER (zone IS NOT NULL) AS shots_20,
        count(*) FILTER (zone = 'paint') AS paint_20,
        count(*) FILTER (zone = 'paint' AND made) AS paint_made_20
    FROM sample AS s
    LEFT JOIN taken AS t ON t.game_id = s.game_id AND t.player_lookup = s.player_lookup
    GROUP BY s.day, s.player_lookup
),
shares AS (
    SELECT
        *,
        paint * 100 / nullif(shots, 0) AS paint_rate,
        mid * 100 / nullif(shots, 0) AS mid_rate,
        three * 100 / nullif(shots, 0) AS three_rate
    FROM counted
)
SELECT
    player_lookup,
    day AS analysis_date,
    2023 AS season_year,
    paint_rate AS paint_rate_last_10,
    mid_rate AS mid_range_rate_last_10,
    three_rate AS three_pt_rate_last_10,
    shots AS total_shots_last_10,
    least(own_games, 10) AS games_in_sample_10,
    paint_made / nullif(paint, 0) AS paint_pct_last_10,
    mid_made / nullif(mid, 0) AS mid_range_pct_last_10,
    three_made / nullif(three, 0) AS three_pt_pct_last_10,
    paint / least(own_games, 10) AS paint_attempts_per_game,
    mid / least(own_games, 10) AS mid_range_attempts_per_game,
    three / least(own_games, 10) AS three_pt_attempts_per_game,
    paint_20 * 100 / nullif(shots_20, 0) AS paint_rate_last_20,
    paint_made_20 / nullif(paint_20, 0) AS paint_pct_last_20,
    least(own_games, 20) AS games_in_sample_20,
    CASE
        WHEN shots = 0 THEN NULL
        WHEN paint_rate >= 40 THEN 'paint'
        WHEN three_rate >= 40 THEN 'perimeter'
        WHEN mid_rate >= 35 THEN 'mid_range'
        ELSE 'balanced'
    END AS primary_scoring_zone,
    day < DATE '2023-11-28' AS early_season_flag,
    CASE WHEN shots = 0 THEN 'no shots known in the last 10 games' END AS insufficient_data_reason
FROM shares
