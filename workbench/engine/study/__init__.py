"""Methods over seeds with their controls: planned, run in any number of processes, compared."""
