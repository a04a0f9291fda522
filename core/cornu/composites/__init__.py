"""Composites: functions that programs hold as one named node, with gradient rules of their own.

A backend that knows a composite by name runs it whole; for the others it is inlined. They are written in primitives.
"""
