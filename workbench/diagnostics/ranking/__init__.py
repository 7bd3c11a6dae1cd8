"""Is the order of methods that of the published tables, and is a gain larger than the noise?"""
