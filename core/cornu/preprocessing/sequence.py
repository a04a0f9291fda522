"""Keras's older place for `cornu.utils.pad_sequences`."""

from cornu.utils.arrays import pad_sequences

__all__ = ["pad_sequences"]
