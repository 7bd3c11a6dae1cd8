"""Which features do models share, and on how many samples?"""
