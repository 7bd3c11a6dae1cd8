"""How far apart are teacher and student as learners, and what does that bound?"""
