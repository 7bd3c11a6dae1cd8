"""Methods that need no bigger teacher, and the control that needs none at all."""
