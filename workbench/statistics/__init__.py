"""Intervals, paired tests and verdicts; numpy and scipy only."""
