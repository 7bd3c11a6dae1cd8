"""How much do student and teacher say the same, and where not?"""
