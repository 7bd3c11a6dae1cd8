"""Methods that match how samples relate to each other."""
