"""Is the loss of a run healthy?"""
