-- How each team comes into each game, by joining every game to all that the team played before it.
WITH sides AS (
    SELECT season, game_id, game_date, home_team AS team, away_team AS opponent, TRUE AS at_home FROM schedule
    UNION ALL
    SELECT season, game_id, game_date, away_team, home_team, FALSE FROM schedule
),
fixtures AS (
    SELECT
        *,
        row_number() OVER w AS game_number,
        game_date - lag(game_date) OVER w - 1 AS days_rest,
        -- Games at home up to and including this one name the road trip that the game belongs to.
        count_if(at_home) OVER w AS trip
    FROM sides
    WINDOW w AS (PARTITION BY season, team ORDER BY game_date, game_id)
),
road AS (
    SELECT *, CASE WHEN at_home THEN 0 ELSE count_if(NOT at_home) OVER (
        PARTITION BY season, team, trip ORDER BY game_date, game_id
    ) END AS road_games
    FROM fixtures
),
played AS (
    SELECT
        o.*,
        d.defensive_rating,
        row_number() OVER (PARTITION BY o.team_abbr ORDER BY o.game_date, o.game_id) AS n
    FROM team_offense_game_summary AS o
    JOIN team_defense_game_summary AS d ON d.game_id = o.game_id AND d.defending_team_abbr = o.team_abbr
),
history AS (
    SELECT
        f.game_id AS upcoming,
        f.team,
        p.*,
        row_number() OVER (PARTITION BY f.game_id, f.team ORDER BY p.n DESC) AS ago
    FROM fixtures AS f
    JOIN played AS p ON p.team_abbr = f.team AND p.game_date < f.game_date
),
form AS (
    SELECT
        upcoming,
        team,
        coalesce(min(ago) FILTER (NOT win_flag) - 1, count(*)) AS wins,
        coalesce(min(ago) FILTER (win_flag) - 1, count(*)) AS losses,
        max(margin_of_victory) FILTER (ago = 1) AS last_margin,
        count_if(win_flag) / count(*) AS win_pct,
        avg(pace) FILTER (ago <= 10) AS pace,
        avg(offensive_rating) FILTER (ago <= 10) AS off_rating,
        avg(defensive_rating) FILTER (ago <= 10) AS def_rating
    FROM history
    GROUP BY upcoming, team
),
days AS (SELECT DISTINCT game_date AS day FROM schedule),
league AS (
    SELECT d.day, CASE WHEN count(o.pace) >= 20 THEN avg(o.pace) ELSE 99.0 END AS pace
    FROM days AS d
    LEFT JOIN team_offense_game_summary AS o ON o.game_date >= d.day - 30 AND o.game_date < d.day
    GROUP BY d.day
)
SELECT
    f.team AS team_abbr,
    f.game_id,
    f.game_date,
    f.season[1:4]::BIGINT AS season_year,
    f.opponent AS opponent_team_abbr,
    f.at_home AS home_game,
    f.days_rest AS team_days_rest,
    coalesce(f.days_rest = 0, FALSE) AS is_back_to_back,
    o.days_rest AS opponent_days_rest,
    (SELECT count(*) FROM sides AS s WHERE s.team = f.team AND s.game_date > f.game_date - 7 AND s.game_date < f.game_date)
        AS games_in_last_7_days,
    (SELECT count(*) FROM sides AS s WHERE s.team = f.team AND s.game_date > f.game_date - 14 AND s.game_date < f.game_date)
        AS games_in_last_14_days,
    f.game_number AS game_number_in_season,
    f.road_games AS consecutive_road_games,
    coalesce(m.wins, 0) AS team_win_streak_entering,
    coalesce(m.losses, 0) AS team_loss_streak_entering,
    m.last_margin AS last_game_margin,
    m.pace AS team_pace_last_10,
    m.off_rating AS team_off_rating_last_10,
    m.def_rating AS team_def_rating_last_10,
    t.pace AS opponent_pace_last_10,
    t.def_rating AS opponent_def_rating_last_10,
    l.pace AS league_pace_last_30_days,
    t.pace - l.pace AS pace_differential,
    m.win_pct AS team_win_pct
FROM road AS f
JOIN road AS o ON o.game_id = f.game_id AND o.team = f.opponent
LEFT JOIN form AS m ON m.upcoming = f.game_id AND m.team = f.team
LEFT JOIN form AS t ON t.upcoming = f.game_id AND t.team = f.opponent
JOIN league AS l ON l.day = f.game_date
