"""Lying backends: what the conformance suite must catch. `python -m mutation` runs them all and writes the table."""
