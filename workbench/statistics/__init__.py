"""Intervals, tests, resampling and verdicts over seeds and samples: numpy and scipy only."""
