-- The latest offer of each bookmaker on each player.
SELECT DISTINCT
    game_date,
    game_id,
    regexp_replace(lower(strip_accents(player_full_name)), '[^a-z]', '', 'g') AS player_lookup,
    bookmaker,
    points_line,
    opening_line,
    over_price,
    under_price,
    snapshot_at
FROM props_feed
QUALIFY row_number() OVER (PARTITION BY game_date, player_full_name, bookmaker ORDER BY snapshot_at DESC) = 1
