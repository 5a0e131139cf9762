"""The work that backcourt, the old design and its peers are given alike: an average over 31 days, a date and player."""
