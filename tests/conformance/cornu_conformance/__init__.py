"""Checks of backends: cases of every primitive, and the suite that runs them."""
