"""What do nets keep of what they see, and what of it came from a teacher?"""
