"""Methods for models that write text, token by token."""
