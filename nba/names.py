"""How a player's name becomes the key `player_lookup`."""

import polars as pl

_NOT_DECOMPOSED = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i"}
"""Letters that Unicode does not split into a plain letter and an accent."""


def player_lookup(name: pl.Expr) -> pl.Expr:
    """Accents stripped, lower case, letters only; a suffix (Jr., III) stays: "Luka Dončić" is `lukadoncic`."""
    plain = name.str.to_lowercase().str.replace_many(list(_NOT_DECOMPOSED), list(_NOT_DECOMPOSED.values()))
    return plain.str.normalize("NFKD").str.replace_all("[^a-z]", "").alias("player_lookup")
