"""A run that somebody watches: in a thread, beside its control, with commands and snapshots; no Jupyter here."""
