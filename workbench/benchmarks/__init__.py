"""What the workbench costs, measured on the spot: ratios of interleaved timings, medians, against stated bars."""
