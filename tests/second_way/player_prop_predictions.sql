-- The three formulas and their combination for every row of the store that is ready (without a model file).
WITH store AS (
    SELECT
        s.* EXCLUDE (features),
        features[1] AS last_5,
        features[2] AS last_10,
        features[3] AS season,
        features[4] AS deviation,
        features[6] AS fatigue,
        features[7] AS mismatch,
        features[8] AS pace,
        features[9] AS usage,
        features[14] AS rating,
        features[16] AS home,
        features[17] AS b2b,
        features[19] AS paint,
        features[20] AS mid,
        features[21] AS three,
        features[22] AS free_throws,
        CASE WHEN has_vegas_line THEN features[26] END AS line,
        CASE WHEN features[14] < 110 THEN 0 WHEN features[14] < 115 THEN 1 ELSE 2 END AS tier,
        CASE WHEN features[1] - features[3] >= 3 THEN 1 WHEN features[1] - features[3] <= -3 THEN -1 ELSE 0 END AS form,
        least(coalesce(days_rest, 3), 3) AS rest
    FROM ml_feature_store_v2 AS s
),
ready AS (
    SELECT *, feature_quality_score / 100 / (1 + deviation / greatest(last_10, 5)) AS base
    FROM store
    WHERE is_quality_ready
),
pairs AS (
    SELECT
        r.game_date,
        r.player_lookup,
        p.points,
        CASE abs(r.tier - s.tier) WHEN 0 THEN 40 WHEN 1 THEN 20 ELSE 0 END
        + CASE abs(r.form - s.form) WHEN 0 THEN 25 WHEN 1 THEN 10 ELSE 0 END
        + CASE abs(r.rest - s.rest) WHEN 0 THEN 20 WHEN 1 THEN 10 ELSE 0 END
        + CASE WHEN r.home = s.home THEN 15 ELSE 0 END AS score,
        s.game_date AS earlier
    FROM ready AS r
    JOIN store AS s ON s.player_lookup = r.player_lookup AND s.game_date < r.game_date
    JOIN player_game_summary AS p ON p.game_id = s.game_id AND p.player_lookup = s.player_lookup
),
similar_games AS (
    SELECT game_date, player_lookup, count(*) AS n, avg(score) AS mean_score, sum(score * points) / sum(score) AS points
    FROM (
        SELECT * FROM pairs
        WHERE score >= 60
        QUALIFY row_number() OVER (PARTITION BY game_date, player_lookup ORDER BY score DESC, earlier DESC) <= 15
    )
    GROUP BY ALL
),
wide AS (
    SELECT
        r.*,
        coalesce(g.n, 0) AS n,
        g.mean_score,
        g.points AS similar_points,
        season * (1 - free_throws) / 10000 * (
            coalesce(paint * z.paint_defense_vs_league_avg / z.league_avg_paint_pct, 0)
            + coalesce(mid * z.mid_range_defense_vs_league_avg / z.league_avg_mid_range_pct, 0)
            + coalesce(three * z.three_pt_defense_vs_league_avg / z.league_avg_three_pt_pct, 0)
        ) AS zone_points
    FROM ready AS r
    LEFT JOIN similar_games AS g USING (game_date, player_lookup)
    LEFT JOIN team_defense_zone_analysis AS z
        ON z.analysis_date = r.game_date AND z.team_abbr = r.opponent_team_abbr
),
single AS (
    SELECT
        *,
        'moving_average' AS system_id,
        0.5::DOUBLE * last_5 + 0.3::DOUBLE * last_10 + 0.2::DOUBLE * season
            + (fatigue - 100) / 20 + 0.3::DOUBLE * mismatch + 0.3::DOUBLE * pace + 0.4::DOUBLE * usage
            + home - 0.5::DOUBLE - 1.5::DOUBLE * b2b AS said,
        base AS sure
    FROM wide
    UNION ALL
    SELECT *, 'zone_matchup', season + zone_points, 0.9::DOUBLE * base FROM wide
    UNION ALL
    SELECT
        *,
        'similarity',
        CASE WHEN n >= 5 THEN similar_points ELSE season END,
        base * (0.5::DOUBLE + CASE WHEN n >= 5 THEN n / 30 ELSE 0 END)
    FROM wide
),
clipped AS (SELECT * REPLACE (greatest(0, least(60, said)) AS said, greatest(0, least(1, sure)) AS sure) FROM single),
combined AS (
    SELECT
        game_date,
        player_lookup,
        sum(said * sure) / sum(sure) AS said,
        greatest(0, least(1, 1 - (max(said) - min(said)) / 10)) AS agreement,
        avg(sure) AS sure,
        count(*) AS systems
    FROM clipped
    GROUP BY ALL
),
every AS (
    SELECT *, NULL AS systems, NULL AS agreement FROM clipped
    UNION ALL BY NAME
    SELECT
        w.*,
        'ensemble' AS system_id,
        c.said,
        c.sure * (1 + c.agreement) / 2 AS sure,
        c.systems,
        c.agreement
    FROM combined AS c
    JOIN wide AS w USING (game_date, player_lookup)
)
SELECT
    strftime(game_date, '%Y-%m-%d') || '/' || player_lookup || '/' || system_id AS prediction_id,
    system_id,
    player_lookup,
    game_date,
    game_id,
    said AS predicted_points,
    sure AS confidence_score,
    CASE
        WHEN sure >= 0.5 AND said - line >= 2 THEN 'OVER'
        WHEN sure >= 0.5 AND line - said >= 2 THEN 'UNDER'
        ELSE 'PASS'
    END AS recommendation,
    has_vegas_line AS has_prop_line,
    line AS current_points_line,
    said - line AS line_margin,
    CASE WHEN system_id = 'moving_average' THEN (fatigue - 100) / 20 END AS fatigue_adjustment,
    CASE system_id WHEN 'moving_average' THEN 0.3::DOUBLE * mismatch WHEN 'zone_matchup' THEN zone_points END AS shot_zone_adjustment,
    CASE WHEN system_id = 'moving_average' THEN 0.3::DOUBLE * pace END AS pace_adjustment,
    CASE WHEN system_id = 'moving_average' THEN 0.4::DOUBLE * usage END AS usage_spike_adjustment,
    CASE WHEN system_id = 'moving_average' THEN home - 0.5::DOUBLE END AS home_away_adjustment,
    CASE WHEN system_id = 'similarity' THEN n END AS similar_games_count,
    CASE WHEN system_id = 'similarity' THEN mean_score END AS avg_similarity_score,
    systems AS contributing_systems,
    agreement AS system_agreement_score,
    feature_version,
    feature_quality_score,
    system_id || '-v1' AS model_version,
    NULL::DATE AS model_training_start_date,
    NULL::DATE AS model_training_end_date
FROM every
