"""Where in the input, the layers and the concepts does dark knowledge live?"""
