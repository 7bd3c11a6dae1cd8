"""How flat is the loss around a model?"""
