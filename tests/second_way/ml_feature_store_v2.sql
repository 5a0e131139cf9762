-- The features of everyone who played after the bootstrap. Form and meetings straight from the game summaries.
WITH lines AS (
    SELECT
        *,
        game_date - lag(game_date) OVER (PARTITION BY player_lookup ORDER BY game_date) AS days_since
    FROM player_game_summary
),
due AS (SELECT * FROM player_game_summary WHERE game_date >= DATE '2023-11-07'),
history AS (
    SELECT
        d.player_lookup,
        d.game_date AS day,
        d.opponent_team_abbr AS opponent,
        l.* EXCLUDE (player_lookup),
        row_number() OVER (PARTITION BY d.game_date, d.player_lookup ORDER BY l.game_date DESC) AS ago
    FROM due AS d
    JOIN lines AS l ON l.player_lookup = d.player_lookup AND l.game_date < d.game_date
),
form AS (
    SELECT
        player_lookup,
        day,
        count(*) AS games,
        day - max(game_date) - 1 AS rest,
        avg(points) FILTER (ago <= 5) AS points_5,
        avg(points) FILTER (ago <= 10) AS points_10,
        avg(points) AS points_season,
        stddev_samp(points) FILTER (ago <= 10) AS deviation,
        count(*) FILTER (game_date > day - 7) AS games_7,
        avg(minutes_played) FILTER (ago <= 10) AS minutes_10,
        avg(minutes_played) AS minutes_season,
        6 * (avg(points) FILTER (ago <= 2) - avg(points) FILTER (ago BETWEEN 3 AND 5)) AS six_trends,
        sum(ft_makes) FILTER (ago <= 10) AS free_throws_10,
        sum(points) FILTER (ago <= 10) AS all_points_10,
        avg(points) FILTER (opponent_team_abbr = opponent) AS against,
        count(*) FILTER (opponent_team_abbr = opponent) AS meetings
    FROM history
    GROUP BY player_lookup, day
),
offers AS (
    SELECT game_date, player_lookup, median(points_line) AS line, median(opening_line) AS opening
    FROM player_props
    GROUP BY ALL
),
wide AS (
    SELECT
        d.player_lookup,
        d.game_date,
        d.game_id,
        d.team_abbr,
        d.opponent_team_abbr,
        d.home_game,
        f.*  EXCLUDE (player_lookup, day),
        f.games >= 5 AS cached,
        coalesce(c.missing_data_fields, '') AS missing,
        c.fatigue_score,
        c.shot_zone_mismatch_score,
        c.pace_score,
        c.usage_spike_score,
        t.team_days_rest - t.opponent_days_rest AS rest_difference,
        t.team_win_pct,
        z.paint_rate_last_10,
        z.mid_range_rate_last_10,
        z.three_pt_rate_last_10,
        a.defensive_rating_last_15,
        a.opponent_pace,
        t.team_pace_last_10,
        t.team_off_rating_last_10,
        o.line,
        o.opening,
        i.injury_status,
        i.player_lookup IS NOT NULL AS listed,
        d.game_date IN (SELECT game_date FROM injury_report) AS reported
    FROM due AS d
    LEFT JOIN form AS f ON f.player_lookup = d.player_lookup AND f.day = d.game_date
    LEFT JOIN player_composite_factors AS c ON c.player_lookup = d.player_lookup AND c.game_date = d.game_date
    LEFT JOIN upcoming_team_game_context AS t ON t.game_id = d.game_id AND t.team_abbr = d.team_abbr
    LEFT JOIN player_shot_zone_analysis AS z ON z.player_lookup = d.player_lookup AND z.analysis_date = d.game_date
    LEFT JOIN team_defense_zone_analysis AS a ON a.team_abbr = d.opponent_team_abbr AND a.analysis_date = d.game_date
    LEFT JOIN offers AS o ON o.player_lookup = d.player_lookup AND o.game_date = d.game_date
    LEFT JOIN injury_report AS i ON i.player_lookup = d.player_lookup AND i.game_date = d.game_date
),
valued AS (
    SELECT
        *,
        -- One struct a feature: its value or NULL, its source where the value is known, its default.
        [
            {n: 'points_avg_last_5', v: points_5::DOUBLE, s: CASE WHEN cached THEN 'precompute' ELSE 'analytics' END, d: 10::DOUBLE},
            {n: 'points_avg_last_10', v: points_10, s: CASE WHEN cached THEN 'precompute' ELSE 'analytics' END, d: 10},
            {n: 'points_avg_season', v: points_season, s: CASE WHEN cached THEN 'precompute' ELSE 'analytics' END, d: 10},
            {n: 'points_std_last_10', v: deviation, s: CASE WHEN cached THEN 'precompute' ELSE 'analytics' END, d: 5},
            {n: 'games_in_last_7_days', v: coalesce(games_7, 0), s: CASE WHEN cached THEN 'precompute' ELSE 'analytics' END, d: 3},
            {n: 'fatigue_score', v: fatigue_score, s: 'precompute', d: 100},
            {n: 'shot_zone_mismatch_score', v: CASE WHEN NOT regexp_matches(missing, 'zone') THEN shot_zone_mismatch_score END, s: 'precompute', d: 0},
            {n: 'pace_score', v: CASE WHEN NOT regexp_matches(missing, 'pace') THEN pace_score END, s: 'precompute', d: 0},
            {n: 'usage_spike_score', v: CASE WHEN NOT regexp_matches(missing, 'usage') THEN usage_spike_score END, s: 'precompute', d: 0},
            {n: 'rest_advantage', v: CASE WHEN rest_difference IS NOT NULL THEN greatest(-2, least(2, rest_difference)) END, s: 'analytics', d: 0},
            {n: 'injury_risk', v: CASE
                WHEN listed THEN list_position(['available', 'probable', 'questionable', 'doubtful'], replace(injury_status, 'out', 'doubtful')) - 1
                WHEN reported THEN 0
            END, s: 'analytics', d: 0},
            {n: 'recent_trend', v: CASE
                WHEN games < 5 THEN NULL
                WHEN round(six_trends) >= 30 THEN 2
                WHEN round(six_trends) >= 12 THEN 1
                WHEN round(six_trends) <= -30 THEN -2
                WHEN round(six_trends) <= -12 THEN -1
                WHEN games >= 5 THEN 0
            END, s: 'analytics', d: 0},
            {n: 'minutes_change', v: CASE
                WHEN coalesce(minutes_season, 0) = 0 THEN NULL
                WHEN minutes_10 / minutes_season >= 1.2::DOUBLE - 1e-9 THEN 2
                WHEN minutes_10 / minutes_season >= 1.1::DOUBLE - 1e-9 THEN 1
                WHEN minutes_10 / minutes_season <= 0.8::DOUBLE + 1e-9 THEN -2
                WHEN minutes_10 / minutes_season <= 0.9::DOUBLE + 1e-9 THEN -1
                ELSE 0
            END, s: CASE WHEN cached THEN 'precompute' ELSE 'analytics' END, d: 0},
            {n: 'opponent_def_rating', v: defensive_rating_last_15, s: 'precompute', d: 112},
            {n: 'opponent_pace', v: opponent_pace, s: 'precompute', d: 99},
            {n: 'home_away', v: home_game::INT, s: 'analytics', d: 0},
            {n: 'back_to_back', v: coalesce(rest = 0, FALSE)::INT, s: 'analytics', d: 0},
            {n: 'playoff_game', v: NULL, s: 'analytics', d: 0},
            {n: 'pct_paint', v: paint_rate_last_10, s: 'precompute', d: 45},
            {n: 'pct_mid_range', v: mid_range_rate_last_10, s: 'precompute', d: 15},
            {n: 'pct_three', v: three_pt_rate_last_10, s: 'precompute', d: 40},
            {n: 'pct_free_throw', v: CASE WHEN all_points_10 > 0 THEN least(free_throws_10 / all_points_10, 0.5::DOUBLE) END, s: 'analytics', d: 0.15::DOUBLE},
            {n: 'team_pace', v: team_pace_last_10, s: CASE WHEN cached THEN 'precompute' ELSE 'analytics' END, d: 99},
            {n: 'team_off_rating', v: team_off_rating_last_10, s: CASE WHEN cached THEN 'precompute' ELSE 'analytics' END, d: 112},
            {n: 'team_win_pct', v: team_win_pct, s: 'analytics', d: 0.5::DOUBLE},
            {n: 'vegas_points_line', v: line, s: 'analytics', d: 10},
            {n: 'vegas_opening_line', v: opening, s: 'analytics', d: 10},
            {n: 'vegas_line_move', v: line - opening, s: 'analytics', d: 0},
            {n: 'has_vegas_line', v: (line IS NOT NULL)::INT, s: 'analytics', d: 0},
            {n: 'avg_points_vs_opponent', v: against, s: 'analytics', d: 10},
            {n: 'games_vs_opponent', v: coalesce(meetings, 0), s: 'analytics', d: 0},
            {n: 'minutes_avg_last_10', v: minutes_10, s: CASE WHEN cached THEN 'precompute' ELSE 'analytics' END, d: 22},
            {n: 'ppm_avg_last_10', v: points_10 / nullif(minutes_10, 0), s: CASE WHEN cached THEN 'precompute' ELSE 'analytics' END, d: 0.45::DOUBLE}
        ] AS f
    FROM wide
),
counted AS (
    SELECT
        *,
        list_transform(f, lambda x: CASE WHEN x.v IS NULL THEN 'default' ELSE x.s END) AS labels,
        len(list_filter(f, lambda x: x.v IS NULL)) AS defaults
    FROM valued
),
weighed AS (
    SELECT
        *,
        list_sum(list_transform(labels, lambda l: CASE l WHEN 'precompute' THEN 100 WHEN 'analytics' THEN 85 ELSE 40 END)) / 33 AS score
    FROM counted
)
SELECT
    player_lookup,
    game_date,
    game_id,
    team_abbr,
    opponent_team_abbr,
    home_game AS is_home,
    rest AS days_rest,
    list_transform(f, lambda x: coalesce(x.v, x.d)) AS features,
    list_transform(f, lambda x: x.n) AS feature_names,
    33 AS feature_count,
    'v2_33features' AS feature_version,
    '{' || array_to_string(list_transform(list_zip(f, labels), lambda x: format('"{}":"{}"', x[1].n, x[2])), ',') || '}' AS feature_sources,
    defaults AS default_feature_count,
    score AS feature_quality_score,
    score >= 50 AND defaults <= 12 AS is_quality_ready,
    line IS NOT NULL AS has_vegas_line,
    coalesce(games, 0) < 10 AS early_season_flag
FROM weighed
