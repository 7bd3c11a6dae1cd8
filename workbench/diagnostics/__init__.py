"""Questions about a distillation, one per file: arrays, models or a Run in, a Result out."""
