-- A team's game, straight from the files: sums of the box score, zones by the shooter's team in the shots.
WITH codes AS (
    -- A team's tricode is the one that is in all of its games, as home_team or away_team.
    SELECT team_name, mode(code) AS team
    FROM (
        SELECT team_name, home_team AS code FROM shots
        UNION ALL
        SELECT team_name, away_team FROM shots
    )
    GROUP BY team_name
),
zones AS (
    SELECT
        game_id,
        team,
        count_if(basic_zone IN ('Restricted Area', 'In The Paint (Non-RA)')) AS paint_attempts,
        count_if(made AND basic_zone IN ('Restricted Area', 'In The Paint (Non-RA)')) AS paint_makes,
        count_if(basic_zone = 'Mid-Range') AS mid_range_attempts,
        count_if(made AND basic_zone = 'Mid-Range') AS mid_range_makes
    FROM shots
    JOIN codes USING (team_name)
    GROUP BY ALL
),
totals AS (
    SELECT
        game_id, game_date, team, opponent,
        any_value(season[1:4]::BIGINT) AS season_year,
        any_value(is_home) AS is_home,
        any_value(won) AS won,
        sum(points) AS points, sum(fga) AS fga, sum(fgm) AS fgm, sum(fg3a) AS fg3a, sum(fg3m) AS fg3m,
        sum(fta) AS fta, sum(ftm) AS ftm, sum(oreb) AS oreb, sum(dreb) AS dreb, sum(reb) AS reb, sum(ast) AS ast,
        sum(tov) AS tov, sum(pf) AS pf, sum(minutes) AS minutes, count(*) AS players,
        sum(fga) + 0.44::DOUBLE * sum(fta) - sum(oreb) + sum(tov) AS possessions
    FROM box_scores
    GROUP BY game_id, game_date, team, opponent
)
SELECT
    t.game_id,
    t.game_date,
    t.team AS team_abbr,
    t.opponent AS opponent_team_abbr,
    t.season_year,
    t.is_home AS home_game,
    t.won AS win_flag,
    t.points AS points_scored,
    t.fga AS fg_attempts,
    t.fgm AS fg_makes,
    t.fg3a AS three_pt_attempts,
    t.fg3m AS three_pt_makes,
    t.fta AS ft_attempts,
    t.ftm AS ft_makes,
    t.oreb AS offensive_rebounds,
    t.dreb AS defensive_rebounds,
    t.reb AS rebounds,
    t.ast AS assists,
    t.tov AS turnovers,
    t.pf AS personal_fouls,
    t.minutes AS team_minutes,
    z.paint_attempts AS team_paint_attempts,
    z.paint_makes AS team_paint_makes,
    z.mid_range_attempts AS team_mid_range_attempts,
    z.mid_range_makes AS team_mid_range_makes,
    z.paint_makes * 2 AS points_in_paint_scored,
    t.possessions,
    t.points * 100 / t.possessions AS offensive_rating,
    48 * ((t.possessions + o.possessions) / 2) / (t.minutes / 5) AS pace,
    t.points / (2 * (t.fga + 0.44::DOUBLE * t.fta)) AS ts_pct,
    t.points - o.points AS margin_of_victory,
    greatest(0, round((t.minutes - 240) / 25)) AS overtime_periods,
    t.players AS players_used
FROM totals AS t
JOIN totals AS o ON o.game_id = t.game_id AND o.team <> t.team
LEFT JOIN zones AS z ON z.game_id = t.game_id AND z.team = t.team
