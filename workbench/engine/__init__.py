"""The loop, the protocols, the session and the store: a distillation as a generator of events."""
