"""Keras's older place for some of `cornu.utils`."""

from cornu.preprocessing import sequence

__all__ = ["sequence"]
