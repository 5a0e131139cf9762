-- How each player comes into each game. Who is expected: for each upcoming game, everybody with a line for the team in
-- its last ten games, without those who have a later line for another team.
WITH sides AS (
    SELECT game_id, game_date, home_team AS team FROM schedule
    UNION ALL
    SELECT game_id, game_date, away_team FROM schedule
),
lines AS (
    SELECT
        *,
        game_date - lag(game_date) OVER (PARTITION BY player_lookup ORDER BY game_date) AS days_since
    FROM player_game_summary
),
team_games AS (
    SELECT
        s.game_id AS upcoming,
        s.game_date AS day,
        s.team,
        o.game_id,
        row_number() OVER (PARTITION BY s.game_id, s.team ORDER BY o.game_date DESC, o.game_id DESC) AS ago
    FROM sides AS s
    JOIN team_offense_game_summary AS o ON o.team_abbr = s.team AND o.game_date < s.game_date
),
expected AS (
    SELECT DISTINCT t.upcoming, t.day, t.team, l.player_lookup
    FROM team_games AS t
    JOIN lines AS l ON l.game_id = t.game_id AND l.team_abbr = t.team
    WHERE t.ago <= 10
      AND NOT EXISTS (
          SELECT 1 FROM lines AS other
          WHERE other.player_lookup = l.player_lookup
            AND other.team_abbr <> t.team
            AND other.game_date < t.day
            AND other.game_date > l.game_date
      )
),
history AS (
    SELECT
        e.*,
        l.* EXCLUDE (player_lookup),
        row_number() OVER (PARTITION BY e.upcoming, e.player_lookup ORDER BY l.game_date DESC, l.game_id DESC) AS ago
    FROM expected AS e
    JOIN lines AS l ON l.player_lookup = e.player_lookup AND l.game_date < e.day
),
facts AS (
    SELECT
        upcoming,
        day,
        team,
        player_lookup,
        any_value(player_full_name) FILTER (ago = 1) AS player_full_name,
        day - max(game_date) - 1 AS rest,
        any_value(days_since) FILTER (ago = 1) - 1 AS rest_before,
        count_if(game_date > day - 7) AS games_7,
        count_if(game_date > day - 14) AS games_14,
        coalesce(sum(minutes_played) FILTER (game_date > day - 7), 0) AS minutes_7,
        coalesce(sum(minutes_played) FILTER (game_date > day - 14), 0) AS minutes_14,
        count(*) FILTER (game_date > day - 14 AND days_since = 1) AS back_to_backs,
        avg(points) FILTER (ago <= 5) AS points_5,
        avg(points) FILTER (ago <= 10) AS points_10,
        avg(usage_rate) FILTER (ago <= 7) AS usage_7,
        avg(usage_rate) FILTER (ago <= 10) AS usage_10,
        avg(minutes_played) FILTER (ago <= 10) AS minutes_10
    FROM history
    GROUP BY upcoming, day, team, player_lookup
),
listed AS (
    SELECT
        f.day,
        f.team,
        f.player_lookup,
        i.injury_status = 'out' AND greatest(f.points_10 - 18, f.minutes_10 - 28, f.usage_10 - 25) >= 0 AS star_out,
        i.injury_status = 'questionable' AS questionable
    FROM facts AS f
    JOIN injury_report AS i ON i.game_date = f.day AND i.player_lookup = f.player_lookup
),
mates AS (
    SELECT
        f.day,
        f.player_lookup,
        count(*) FILTER (l.star_out) AS stars_out,
        count(*) FILTER (l.questionable) AS questionable
    FROM facts AS f
    LEFT JOIN listed AS l ON l.day = f.day AND l.team = f.team AND l.player_lookup <> f.player_lookup
    GROUP BY ALL
),
offers AS (
    SELECT game_date, player_lookup, median(points_line) AS points_line, median(opening_line) AS opening_line
    FROM player_props
    GROUP BY ALL
)
SELECT
    f.player_lookup,
    f.player_full_name,
    f.upcoming AS game_id,
    f.day AS game_date,
    t.season_year,
    f.team AS team_abbr,
    t.opponent_team_abbr,
    t.home_game,
    f.rest AS days_rest,
    f.rest_before AS days_rest_before_last_game,
    f.rest = 0 AS back_to_back,
    f.games_7 AS games_in_last_7_days,
    f.games_14 AS games_in_last_14_days,
    f.minutes_7 AS minutes_in_last_7_days,
    f.minutes_14 AS minutes_in_last_14_days,
    f.minutes_7 / nullif(f.games_7, 0) AS avg_minutes_per_game_last_7,
    f.back_to_backs AS back_to_backs_last_14_days,
    t.consecutive_road_games,
    f.points_5 AS points_avg_last_5,
    f.points_10 AS points_avg_last_10,
    f.usage_7 AS avg_usage_rate_last_7_games,
    f.usage_10 + f.usage_10 * m.stars_out / 20 AS projected_usage_rate,
    t.opponent_pace_last_10,
    t.opponent_def_rating_last_10,
    t.pace_differential,
    m.stars_out AS star_teammates_out,
    m.questionable AS questionable_teammates,
    i.injury_status AS player_status,
    i.reason AS injury_report,
    NULL::BIGINT AS player_age,
    o.points_line IS NOT NULL AS has_prop_line,
    o.points_line AS current_points_line,
    o.opening_line AS opening_points_line,
    o.points_line - o.opening_line AS line_movement
FROM facts AS f
JOIN upcoming_team_game_context AS t ON t.game_id = f.upcoming AND t.team_abbr = f.team
JOIN mates AS m ON m.day = f.day AND m.player_lookup = f.player_lookup
LEFT JOIN injury_report AS i ON i.game_date = f.day AND i.player_lookup = f.player_lookup
LEFT JOIN offers AS o ON o.game_date = f.day AND o.player_lookup = f.player_lookup
