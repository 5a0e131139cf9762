-- The latest report on each player.
SELECT
    game_date,
    regexp_replace(lower(strip_accents(player_full_name)), '[^a-z]', '', 'g') AS player_lookup,
    team_abbr,
    lower(injury_status) AS injury_status,
    reason,
    report_at
FROM injuries_feed
QUALIFY row_number() OVER (PARTITION BY game_date, player_full_name ORDER BY report_at DESC) = 1
