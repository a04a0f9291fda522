"""Recurrent layers, and wrappers that go over time."""
