"""The backend class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from cornu.backend.contract import Buffer, CompileOptions, Executable
from cornu.ir.program import Program

from cornu_torch.memory import keep_freed_memory

if TYPE_CHECKING:
    import torch


class TorchBackend:
    """Runs programs on PyTorch's kernels, on CPU or CUDA, without autograd.

    Devices are `cpu` (the default), `cuda` and `cuda:N`. The number of threads is a setting that torch has for the
    whole process (`torch.set_num_threads`).

    Args:
        keep_memory: Whether memory that a step frees is kept for the next one. That is a setting of the C library, for
            the whole process; it is left alone where the environment sets the allocator up.

    Raises:
        ImportError: If torch is not installed.

    Example:
        >>> backend = TorchBackend()
        >>> buffer = backend.from_numpy(np.ones(3, np.float32), "")
        >>> backend.to_numpy(buffer).tolist()
        [1.0, 1.0, 1.0]
    """

    contract = "1.0"
    priority = 10
    name = "torch"

    def __init__(self, keep_memory: bool = True) -> None:
        # Torch takes a second to import: only who selects the backend pays for it.
        from cornu_torch import devices, dtypes, executable, support

        self._dtypes = dtypes
        self._devices = devices
        self._executable = executable
        self._support = support
        if keep_memory:
            keep_freed_memory()

    @classmethod
    def describe(cls) -> dict[str, Any]:
        """The installed runtime's version and devices."""
        from cornu_torch.devices import available

        return {"version": version("torch"), "devices": available()}

    def supports(self, op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        """Whether torch has a kernel, and one that computes what the operator means."""
        if not self._devices.exists(device):
            return False
        return self._support.is_native(op, dtypes, attributes, self._device(device).type == "cpu")

    def from_numpy(self, array: np.ndarray, device: str) -> Buffer:
        """Copies an array to the device.

        Raises:
            ValueError: If there is no such device.
        """
        return self._dtypes.to_tensor(array, self._device(device))

    def to_numpy(self, buffer: Buffer) -> np.ndarray:
        """Copies a buffer to a new array on the host."""
        return self._dtypes.to_array(buffer)

    def compile(self, program: Program, options: CompileOptions) -> Executable:
        """Makes an executable; each set of sizes is planned when it is first met.

        Raises:
            ValueError: If there is no such device.
        """
        return self._executable.TorchExecutable(program, self._device(options.device))

    def _device(self, device: str) -> torch.device:
        return self._devices.find(device)
