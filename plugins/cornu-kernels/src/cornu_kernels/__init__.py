"""Custom operators for Cornu's onnxruntime backend."""

from cornu_kernels.kernels import Kernels

__all__ = ["Kernels"]
