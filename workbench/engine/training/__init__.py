"""One run's training: its state, its stages, its steps, and what is kept of them on disk."""
