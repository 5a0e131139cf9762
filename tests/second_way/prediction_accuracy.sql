-- Each prediction against the box score.
SELECT
    p.player_lookup,
    p.game_id,
    p.game_date,
    p.system_id,
    s.team_abbr,
    s.opponent_team_abbr,
    p.predicted_points,
    p.confidence_score,
    least(10, 1 + floor(p.confidence_score * 10))::BIGINT AS confidence_decile,
    p.recommendation,
    p.current_points_line AS line_value,
    s.points AS actual_points,
    s.minutes_played,
    abs(s.points - p.predicted_points) AS absolute_error,
    p.predicted_points - s.points AS signed_error,
    CASE
        WHEN p.recommendation <> 'PASS' AND s.points <> p.current_points_line
            THEN (p.recommendation = 'OVER') = (s.points > p.current_points_line)
    END AS prediction_correct,
    p.line_margin AS predicted_margin,
    s.points - p.current_points_line AS actual_margin,
    abs(s.points - p.predicted_points) <= 3 AS within_3_points,
    abs(s.points - p.predicted_points) <= 5 AS within_5_points,
    p.model_version,
    p.feature_version,
    NULL::TIMESTAMPTZ AS graded_at
FROM player_prop_predictions AS p
JOIN player_game_summary AS s USING (game_id, player_lookup)
