"""Layers of weights and structure."""
