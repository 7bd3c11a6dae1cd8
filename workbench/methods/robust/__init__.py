"""Methods that hand on what withstands an attack."""
