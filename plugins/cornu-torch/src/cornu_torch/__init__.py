"""A backend of Cornu on PyTorch's kernels."""

from cornu_torch.backend import TorchBackend

__all__ = ["TorchBackend"]
