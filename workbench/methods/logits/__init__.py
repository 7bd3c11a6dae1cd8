"""Methods that match the teacher's answers."""
