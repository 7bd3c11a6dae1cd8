"""Methods with several students, assistants or teachers."""
