"""Methods that match what happens inside."""
