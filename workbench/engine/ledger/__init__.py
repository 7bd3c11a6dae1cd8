"""What a run costs, written down while it goes on."""
