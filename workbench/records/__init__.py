"""The data classes that cross floors: standard library and numpy only."""
