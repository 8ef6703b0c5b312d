"""Python: straight lines over floats, with the engine's bits."""
