"""Methods for models that read whole texts: what their layers make of them."""
