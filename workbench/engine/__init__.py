"""Runs distillations: the loop, its protocols, studies, the store and the teacher cache."""
