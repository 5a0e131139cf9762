-- One player's game, straight from the files box_scores and shots.
WITH shot_lines AS (
    SELECT
        game_id,
        regexp_replace(lower(strip_accents(player_name)), '[^a-z]', '', 'g') AS player_lookup,
        count_if(basic_zone IN ('Restricted Area', 'In The Paint (Non-RA)')) AS paint_attempts,
        count_if(made AND basic_zone IN ('Restricted Area', 'In The Paint (Non-RA)')) AS paint_makes,
        count_if(basic_zone = 'Mid-Range') AS mid_range_attempts,
        count_if(made AND basic_zone = 'Mid-Range') AS mid_range_makes,
        count_if(basic_zone LIKE '%3' OR basic_zone = 'Backcourt') AS three_attempts,
        count_if(made AND (basic_zone LIKE '%3' OR basic_zone = 'Backcourt')) AS three_makes
    FROM shots
    GROUP BY ALL
),
games_with_shots AS (SELECT DISTINCT game_id FROM shots),
lines AS (
    SELECT
        *,
        regexp_replace(lower(strip_accents(player_name)), '[^a-z]', '', 'g') AS player_lookup,
        fga + 0.44::DOUBLE * fta + tov AS plays,
        sum(minutes) OVER team AS team_minutes,
        sum(fga) OVER team + 0.44::DOUBLE * sum(fta) OVER team + sum(tov) OVER team AS team_plays
    FROM box_scores
    WINDOW team AS (PARTITION BY game_id, team)
),
offers AS (
    SELECT game_date, player_lookup, median(points_line) AS points_line, median(opening_line) AS opening_line
    FROM player_props
    GROUP BY ALL
)
SELECT
    l.player_lookup,
    l.player_name AS player_full_name,
    l.game_id,
    l.game_date,
    l.team AS team_abbr,
    l.opponent AS opponent_team_abbr,
    l.season[1:4]::BIGINT AS season_year,
    l.is_home AS home_game,
    l.won AS win_flag,
    NULL::BOOLEAN AS starter_flag,
    l.points,
    l.minutes AS minutes_played,
    l.ast AS assists,
    l.oreb AS offensive_rebounds,
    l.dreb AS defensive_rebounds,
    l.stl AS steals,
    l.blk AS blocks,
    l.tov AS turnovers,
    l.fga AS fg_attempts,
    l.fgm AS fg_makes,
    l.fg3a AS three_pt_attempts,
    l.fg3m AS three_pt_makes,
    l.fta AS ft_attempts,
    l.ftm AS ft_makes,
    l.plus_minus,
    l.pf AS personal_fouls,
    CASE WHEN l.fga = 0 AND g.game_id IS NOT NULL THEN coalesce(s.paint_attempts, 0) ELSE s.paint_attempts END AS paint_attempts,
    CASE WHEN l.fga = 0 AND g.game_id IS NOT NULL THEN coalesce(s.paint_makes, 0) ELSE s.paint_makes END AS paint_makes,
    CASE WHEN l.fga = 0 AND g.game_id IS NOT NULL THEN coalesce(s.mid_range_attempts, 0) ELSE s.mid_range_attempts END AS mid_range_attempts,
    CASE WHEN l.fga = 0 AND g.game_id IS NOT NULL THEN coalesce(s.mid_range_makes, 0) ELSE s.mid_range_makes END AS mid_range_makes,
    CASE WHEN l.fga = 0 AND g.game_id IS NOT NULL THEN coalesce(s.three_attempts, 0) ELSE s.three_attempts END AS three_attempts_pbp,
    CASE WHEN l.fga = 0 AND g.game_id IS NOT NULL THEN coalesce(s.three_makes, 0) ELSE s.three_makes END AS three_makes_pbp,
    g.game_id IS NOT NULL
        AND l.fga = coalesce(s.paint_attempts + s.mid_range_attempts + s.three_attempts, 0) AS has_complete_shot_zones,
    100 * l.plays * (l.team_minutes / 5) / nullif(l.minutes * l.team_plays, 0) AS usage_rate,
    l.points / nullif(2 * (l.fga + 0.44::DOUBLE * l.fta), 0) AS ts_pct,
    (l.fgm + 0.5::DOUBLE * l.fg3m) / nullif(l.fga, 0) AS efg_pct,
    o.points_line,
    o.opening_line,
    CASE sign(l.points - o.points_line) WHEN 1 THEN 'OVER' WHEN -1 THEN 'UNDER' WHEN 0 THEN 'PUSH' END AS over_under_result,
    l.points - o.points_line AS margin
FROM lines AS l
LEFT JOIN shot_lines AS s USING (game_id, player_lookup)
LEFT JOIN games_with_shots AS g ON g.game_id = l.game_id
LEFT JOIN offers AS o ON o.game_date = l.game_date AND o.player_lookup = l.player_lookup
