"""The primitives, one file per family; importing this registers them all."""

from cornu.primitives import control, elementwise, linalg, logic, movement, reduction

__all__ = ["control", "elementwise", "linalg", "logic", "movement", "reduction"]
