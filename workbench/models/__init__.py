"""Small nets, one family per file, scikit-learn as teacher and student, and the hooks that make a Trace."""
