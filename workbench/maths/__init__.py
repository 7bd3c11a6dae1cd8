"""Tensor maths, and statistics over seeds and samples, with two or more users: torch, numpy and scipy only."""
