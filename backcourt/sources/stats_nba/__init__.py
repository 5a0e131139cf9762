"""stats.nba.com as a source: asked politely, through nba_api, and never twice for what is over."""

from backcourt.sources.stats_nba.source import StatsNbaSource

__all__ = ["StatsNbaSource"]
