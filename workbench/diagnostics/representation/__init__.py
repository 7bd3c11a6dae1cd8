"""Do layers of two models carry the same relations between samples?"""
