"""Loaders and generators that return a TransferSet."""
