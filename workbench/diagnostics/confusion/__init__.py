"""Do a student's errors look like its teacher's soft labels?"""
