-- Every team on every date from the season's 15th day: its last 15 games against the league's last 30 days.
WITH days AS (
    SELECT DISTINCT game_date AS day, season
    FROM schedule
    WHERE game_date >= (SELECT min(game_date) FROM schedule) + 14
),
wanted AS (
    SELECT DISTINCT d.day, s.home_team AS team
    FROM days AS d
    JOIN schedule AS s ON s.season = d.season
),
ranked AS (
    SELECT
        w.day,
        w.team,
        g.*,
        row_number() OVER (PARTITION BY w.day, w.team ORDER BY g.game_date DESC, g.game_id DESC) AS games_ago
    FROM wanted AS w
    JOIN team_defense_game_summary AS g ON g.defending_team_abbr = w.team AND g.game_date < w.day
),
samples AS (
    SELECT
        day,
        team,
        any_value(season_year) AS season_year,
        count(*) AS games,
        sum(opp_paint_makes) / sum(opp_paint_attempts) AS paint_pct,
        sum(opp_mid_range_makes) / sum(opp_mid_range_attempts) AS mid_pct,
        sum(opp_three_pt_makes) / sum(opp_three_pt_attempts) AS three_pct,
        avg(opp_paint_attempts) AS paint_attempts,
        avg(opp_mid_range_attempts) AS mid_attempts,
        avg(opp_three_pt_attempts) AS three_attempts,
        avg(points_in_paint_allowed) AS paint_points,
        avg(defensive_rating) AS rating,
        avg(points_allowed) AS points,
        avg(opponent_pace) AS pace
    FROM ranked
    WHERE games_ago <= 15
    GROUP BY day, team
),
league_games AS (
    SELECT
        d.day,
        count(DISTINCT g.defending_team_abbr) AS teams,
        sum(opp_paint_makes) / sum(opp_paint_attempts) AS paint,
        sum(opp_mid_range_makes) / sum(opp_mid_range_attempts) AS mid,
        sum(opp_three_pt_makes) / sum(opp_three_pt_attempts) AS three
    FROM days AS d
    LEFT JOIN team_defense_game_summary AS g ON g.game_date BETWEEN d.day - 30 AND d.day - 1
    GROUP BY d.day
),
league AS (
    SELECT
        day,
        CASE WHEN teams >= 10 THEN paint ELSE 0.580 END AS paint,
        CASE WHEN teams >= 10 THEN mid ELSE 0.410 END AS mid,
        CASE WHEN teams >= 10 THEN three ELSE 0.355 END AS three
    FROM league_games
),
compared AS (
    SELECT
        s.*,
        l.paint AS league_paint,
        l.mid AS league_mid,
        l.three AS league_three,
        (s.paint_pct - l.paint) * 100 AS paint_diff,
        (s.mid_pct - l.mid) * 100 AS mid_diff,
        (s.three_pct - l.three) * 100 AS three_diff
    FROM samples AS s
    JOIN league AS l USING (day)
)
SELECT
    team AS team_abbr,
    day AS analysis_date,
    season_year,
    games AS games_in_sample,
    paint_pct AS paint_pct_allowed_last_15,
    paint_attempts AS paint_attempts_allowed_per_game,
    paint_points AS paint_points_allowed_per_game,
    paint_diff AS paint_defense_vs_league_avg,
    mid_pct AS mid_range_pct_allowed_last_15,
    mid_attempts AS mid_range_attempts_allowed_per_game,
    mid_diff AS mid_range_defense_vs_league_avg,
    three_pct AS three_pt_pct_allowed_last_15,
    three_attempts AS three_pt_attempts_allowed_per_game,
    three_diff AS three_pt_defense_vs_league_avg,
    league_paint AS league_avg_paint_pct,
    league_mid AS league_avg_mid_range_pct,
    league_three AS league_avg_three_pt_pct,
    rating AS defensive_rating_last_15,
    points AS opponent_points_per_game,
    pace AS opponent_pace,
    CASE least(paint_diff, mid_diff, three_diff)
        WHEN paint_diff THEN 'paint' WHEN mid_diff THEN 'mid_range' ELSE 'perimeter'
    END AS strongest_zone,
    CASE greatest(paint_diff, mid_diff, three_diff)
        WHEN paint_diff THEN 'paint' WHEN mid_diff THEN 'mid_range' ELSE 'perimeter'
    END AS weakest_zone,
    games < 15 AS early_season_flag
FROM compared
