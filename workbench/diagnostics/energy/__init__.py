"""What did a distillation cost, and when does it pay?"""
