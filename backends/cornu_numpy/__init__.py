"""The NumPy backend of Cornu: runs programs on the CPU with nothing but NumPy."""

from cornu_numpy.backend import NumpyBackend
from cornu_numpy.executable import NumpyExecutable

__all__ = ["NumpyBackend", "NumpyExecutable"]
