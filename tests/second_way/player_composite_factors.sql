-- Each player who played after the bootstrap, from the upcoming contexts or from his own games, and his four factors.
WITH played AS (
    SELECT
        p.player_lookup,
        p.game_date,
        p.game_id,
        p.team_abbr,
        p.opponent_team_abbr,
        u.player_lookup IS NOT NULL AS foreseen,
        count(*) OVER d AS pgs_count,
        count(u.player_lookup) OVER d AS in_both
    FROM player_game_summary AS p
    LEFT JOIN upcoming_player_game_context AS u USING (game_id, team_abbr, player_lookup)
    WHERE p.game_date >= DATE '2023-11-07'
    WINDOW d AS (PARTITION BY p.game_date)
),
expected AS (SELECT game_date, count(*) AS upcg_count FROM upcoming_player_game_context GROUP BY ALL),
lines AS (
    SELECT
        *,
        game_date - lag(game_date) OVER (PARTITION BY player_lookup ORDER BY game_date) AS days_since
    FROM player_game_summary
),
own AS (
    SELECT
        p.game_id,
        p.player_lookup,
        p.game_date - max(l.game_date) - 1 AS rest,
        count(l.game_id) FILTER (l.game_date > p.game_date - 7) AS games_7,
        coalesce(sum(l.minutes_played) FILTER (l.game_date > p.game_date - 7), 0) AS minutes_7,
        count(l.game_id) FILTER (l.game_date > p.game_date - 14 AND l.days_since = 1) AS b2b_14,
        list(l.usage_rate ORDER BY l.game_date DESC) AS usages
    FROM played AS p
    LEFT JOIN lines AS l ON l.player_lookup = p.player_lookup AND l.game_date < p.game_date
    GROUP BY p.game_id, p.player_lookup, p.game_date
),
contexts AS (
    SELECT
        p.*,
        o.rest,
        coalesce(o.rest = 0, FALSE) AS b2b,
        o.games_7,
        o.minutes_7,
        o.minutes_7 / nullif(o.games_7, 0) AS minutes_a_game,
        o.b2b_14,
        list_avg(usages[1:7]) AS usage_7,
        CASE WHEN foreseen AND in_both >= 0.9 * pgs_count THEN 1 + coalesce(u.star_teammates_out, 0) / 20 ELSE 1 END
            * list_avg(usages[1:10]) AS projected,
        CASE WHEN foreseen AND in_both >= 0.9 * pgs_count THEN u.star_teammates_out ELSE 0 END AS stars,
        CASE WHEN foreseen AND in_both >= 0.9 * pgs_count THEN 'UPCG' ELSE 'PGS' END AS context_source
    FROM played AS p
    JOIN own AS o USING (game_id, player_lookup)
    LEFT JOIN upcoming_player_game_context AS u
        ON u.game_id = p.game_id AND u.team_abbr = p.team_abbr AND u.player_lookup = p.player_lookup
),
zoned AS (
    SELECT
        c.*,
        t.pace_differential,
        t.opponent_pace_last_10,
        t.league_pace_last_30_days,
        z.primary_scoring_zone,
        CASE z.primary_scoring_zone
            WHEN 'paint' THEN z.paint_rate_last_10
            WHEN 'perimeter' THEN z.three_pt_rate_last_10
            WHEN 'mid_range' THEN z.mid_range_rate_last_10
        END AS share,
        CASE z.primary_scoring_zone
            WHEN 'paint' THEN d.paint_defense_vs_league_avg
            WHEN 'perimeter' THEN d.three_pt_defense_vs_league_avg
            WHEN 'mid_range' THEN d.mid_range_defense_vs_league_avg
        END AS weakness,
        d.team_abbr IS NULL AS no_defense
    FROM contexts AS c
    JOIN upcoming_team_game_context AS t ON t.game_id = c.game_id AND t.team_abbr = c.team_abbr
    LEFT JOIN player_shot_zone_analysis AS z ON z.analysis_date = c.game_date AND z.player_lookup = c.player_lookup
    LEFT JOIN team_defense_zone_analysis AS d
        ON d.analysis_date = c.game_date AND d.team_abbr = c.opponent_team_abbr
),
scored AS (
    SELECT
        *,
        greatest(0, least(100,
            100
            + CASE WHEN b2b THEN -15 WHEN rest >= 3 THEN 5 ELSE 0 END
            - CASE WHEN games_7 >= 4 THEN 10 ELSE 0 END
            - CASE WHEN minutes_7 > 240 THEN 10 ELSE 0 END
            - CASE WHEN minutes_a_game > 35 THEN 8 ELSE 0 END
            - CASE WHEN b2b_14 >= 2 THEN 12 WHEN b2b_14 = 1 THEN 5 ELSE 0 END
        )) AS fatigue,
        weakness * CASE WHEN share > 50 THEN 1 ELSE share / 50 END AS mismatch,
        0.3::DOUBLE * (projected - usage_7) AS spike
    FROM zoned
),
adjusted AS (
    SELECT
        *,
        (fatigue - 100) / 20 AS fatigue_adjustment,
        CASE
            WHEN mismatch IS NULL THEN 0
            ELSE greatest(-10, least(10, mismatch * CASE WHEN abs(mismatch) > 5 THEN 1.2::DOUBLE ELSE 1 END))
        END AS zone_score,
        CASE WHEN pace_differential IS NULL THEN 0 ELSE greatest(-3, least(3, pace_differential / 2)) END AS pace_score,
        CASE
            WHEN spike IS NULL THEN 0
            WHEN spike > 0 AND stars >= 2 THEN least(3, spike * 1.3::DOUBLE)
            WHEN spike > 0 AND stars = 1 THEN least(3, spike * 1.15::DOUBLE)
            ELSE greatest(-3, least(3, spike))
        END AS usage_score,
        list_filter([
            CASE WHEN primary_scoring_zone IS NULL THEN 'player_shot_zones' END,
            CASE WHEN no_defense THEN 'opponent_zone_defense' END,
            CASE WHEN pace_differential IS NULL THEN 'pace_differential' END,
            CASE WHEN spike IS NULL THEN 'usage_rates' END
        ], lambda x: x IS NOT NULL) AS missing
    FROM scored
)
SELECT
    player_lookup,
    game_date,
    game_id,
    team_abbr,
    opponent_team_abbr,
    fatigue AS fatigue_score,
    fatigue_adjustment,
    zone_score AS shot_zone_mismatch_score,
    pace_score,
    usage_score AS usage_spike_score,
    0 AS referee_favorability_score,
    0 AS look_ahead_pressure_score,
    0 AS travel_impact_score,
    0 AS opponent_strength_score,
    fatigue_adjustment + zone_score + pace_score + usage_score AS total_composite_adjustment,
    json_object(
        'days_rest', rest, 'back_to_back', b2b, 'games_in_last_7_days', games_7,
        'minutes_in_last_7_days', minutes_7, 'avg_minutes_per_game_last_7', minutes_a_game,
        'back_to_backs_last_14_days', b2b_14, 'player_age', NULL
    )::VARCHAR AS fatigue_context_json,
    json_object(
        'primary_scoring_zone', primary_scoring_zone, 'zone_share', share, 'zone_defense', weakness
    )::VARCHAR AS shot_zone_context_json,
    json_object(
        'pace_differential', pace_differential, 'opponent_pace_last_10', opponent_pace_last_10,
        'league_pace_last_30_days', league_pace_last_30_days
    )::VARCHAR AS pace_context_json,
    json_object(
        'projected_usage_rate', projected, 'avg_usage_rate_last_7_games', usage_7, 'star_teammates_out', stars
    )::VARCHAR AS usage_context_json,
    'v1_4factors' AS calculation_version,
    context_source,
    upcg_count AS upcg_player_count,
    pgs_count AS pgs_player_count,
    in_both * 100 / pgs_count AS context_coverage_pct,
    format('UPCG holds {} of the {} players who played ({:.1f} %', in_both, pgs_count, in_both * 100 / pgs_count)
        || CASE WHEN in_both >= 0.9 * pgs_count THEN ')' ELSE ', below 90 %)' END
        || CASE WHEN in_both >= 0.9 * pgs_count AND NOT foreseen THEN '; he is not in it: his own games' ELSE '' END
        AS context_reason,
    100 - 25 * len(missing) AS data_completeness_pct,
    nullif(array_to_string(missing, ', '), '') AS missing_data_fields,
    game_date < DATE '2023-11-28' AS early_season_flag
FROM adjusted
JOIN expected USING (game_date)
