"""Everything about a run on one self-contained page."""
