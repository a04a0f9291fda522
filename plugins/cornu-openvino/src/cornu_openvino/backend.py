"""The backend class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from cornu.backend.contract import Buffer, CompileOptions, Executable
from cornu.ir.program import Program

from cornu_openvino.buffers import Buffer as OpenVinoBuffer
from cornu_openvino.executable import OpenVinoExecutable
from cornu_openvino.model import Model
from cornu_openvino.runtime import Runtime
from cornu_openvino.support import place

DEFAULT_DEVICE = "CPU"
_EXACT = {"INFERENCE_PRECISION_HINT": "f32", "EXECUTION_MODE_HINT": "ACCURACY"}


class OpenVinoBackend:
    """Runs programs on OpenVINO, by way of ONNX; what OpenVINO computes wrongly is left to the reference kernels.

    Args:
        threads: Threads that work on one operator; None leaves it to OpenVINO.
        properties: Further properties of OpenVINO's, by its own keys, for every compilation.

    Raises:
        ValueError: If `threads` is not a positive number.
        ImportError: If openvino is not installed.

    Example:
        >>> backend = OpenVinoBackend()
        >>> buffer = backend.from_numpy(np.ones(3, np.float32), "")
        >>> backend.to_numpy(buffer).tolist()
        [1.0, 1.0, 1.0]
    """

    contract = "1.0"
    priority = 5
    name = "openvino"

    def __init__(self, threads: int | None = None, properties: Mapping[str, Any] | None = None) -> None:
        import openvino

        if threads is not None and (not isinstance(threads, int) or threads < 1):
            raise ValueError(f"threads is a positive number, got {threads!r}.")
        core = openvino.Core()
        asked = {**_EXACT, **({"INFERENCE_NUM_THREADS": threads} if threads else {}), **(properties or {})}
        self._runtime = Runtime(openvino, core, asked)
        self._devices = tuple(core.available_devices)

    @classmethod
    def describe(cls) -> dict[str, Any]:
        """The installed runtime's version and devices."""
        import openvino

        return {"version": openvino.__version__.partition("-")[0], "devices": list(openvino.Core().available_devices)}

    # -- the contract --------------------------------------------------------------------------------------------

    def supports(self, op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        """Whether OpenVINO computes what the primitive means, or the host does it in its place."""
        return (device or DEFAULT_DEVICE) in self._devices and place(op, dtypes, attributes) is not None

    def from_numpy(self, array: np.ndarray, device: str) -> Buffer:
        """Copies an array.

        Args:
            array: The array, of any dtype of `cornu.ir.types.DTYPES`.
            device: One of OpenVINO's names, such as `CPU` or `GPU.0`, or `""` for the CPU.

        Raises:
            ValueError: If there is no such device.
        """
        self._device(device)
        return OpenVinoBuffer(np.array(array, order="C"))

    def to_numpy(self, buffer: Buffer) -> np.ndarray:
        """Copies a buffer to a new array."""
        return np.array(buffer.array)

    def compile(self, program: Program, options: CompileOptions) -> Executable:
        """Makes a program executable; OpenVINO compiles it when sizes come.

        Args:
            program: A program of nodes that `supports` allows.
            options: The device.

        Raises:
            ValueError: If there is no such device.
        """
        device = self._device(options.device)
        return OpenVinoExecutable(self._runtime, program, partial(Model, self._runtime, device))

    def _device(self, device: str) -> str:
        device = device or DEFAULT_DEVICE
        if device not in self._devices:
            raise ValueError(f"OpenVINO has no device {device!r} here; it has {', '.join(self._devices)}.")
        return device
