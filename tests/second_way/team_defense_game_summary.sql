-- What a team allowed: the second way's team_offense_game_summary of the opponent, and the team's own box score.
WITH own AS (
    SELECT game_id, team, sum(stl) AS steals, sum(blk) AS blocks, sum(dreb) AS dreb
    FROM box_scores
    GROUP BY game_id, team
)
SELECT
    d.game_id,
    d.game_date,
    d.team_abbr AS defending_team_abbr,
    o.team_abbr AS opponent_team_abbr,
    d.season_year,
    d.home_game,
    d.win_flag,
    o.points_scored AS points_allowed,
    o.fg_attempts AS opp_fg_attempts,
    o.fg_makes AS opp_fg_makes,
    o.three_pt_attempts AS opp_three_pt_attempts,
    o.three_pt_makes AS opp_three_pt_makes,
    o.ft_attempts AS opp_ft_attempts,
    o.ft_makes AS opp_ft_makes,
    o.rebounds AS opp_rebounds,
    o.assists AS opp_assists,
    o.turnovers AS turnovers_forced,
    o.team_paint_attempts AS opp_paint_attempts,
    o.team_paint_makes AS opp_paint_makes,
    o.team_mid_range_attempts AS opp_mid_range_attempts,
    o.team_mid_range_makes AS opp_mid_range_makes,
    o.team_paint_makes * 2 AS points_in_paint_allowed,
    o.team_mid_range_makes * 2 AS mid_range_points_allowed,
    o.three_pt_makes * 3 AS three_pt_points_allowed,
    own.steals,
    own.blocks,
    own.dreb AS defensive_rebounds,
    100 * o.points_scored / o.possessions AS defensive_rating,
    o.pace AS opponent_pace,
    o.ts_pct AS opponent_ts_pct,
    d.points_scored - o.points_scored AS margin_of_victory
FROM team_offense_game_summary AS d
JOIN team_offense_game_summary AS o ON o.game_id = d.game_id AND o.team_abbr <> d.team_abbr
JOIN own ON own.game_id = d.game_id AND own.team = d.team_abbr
