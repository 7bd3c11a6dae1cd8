"""Small nets, one family per file, and the hooks that make a Trace of any module."""
