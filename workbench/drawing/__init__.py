"""Result in, plotly Figure out; arranges numbers and computes none."""
