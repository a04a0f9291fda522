"""The backend class that the entry point names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cornu.primitives  # noqa: F401 - registers what `all_primitives` lists
import numpy as np
from cornu.backend.contract import CompileOptions
from cornu.ir.primitive import all_primitives
from cornu.ir.program import Program

from cornu_numpy.executable import NumpyExecutable
from cornu_numpy.kernel import MAKERS

_PRIMITIVES = frozenset(all_primitives()) - {"Call"}
_COMPOSITES = frozenset(name.removeprefix("Call:") for name in MAKERS if name.startswith("Call:"))


class NumpyBackend:
    """Runs every primitive with NumPy on the CPU; most composites come to it inlined.

    A buffer is a NumPy array that nobody else writes to.

    Example:
        >>> import cornu
        >>> cornu.config.set_backend("numpy")
    """

    contract = "1.0"
    priority = 10
    name = "numpy"

    def supports(self, op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        """True for every primitive with a reference kernel, in every dtype, and the composites with a kernel of ours.

        Args:
            op: The operator, or a composite's name.
            dtypes: Element types of the operands.
            attributes: The node's attributes.
            device: `""` or `"cpu"`.
        """
        native = _COMPOSITES if "body" in attributes and "name" in attributes else _PRIMITIVES
        return device in ("", "cpu") and op in native

    def from_numpy(self, array: np.ndarray, device: str = "") -> np.ndarray:
        """Copies an array.

        Raises:
            ValueError: If the device is not the CPU.
        """
        _check_device(device)
        return np.array(array, order="C", copy=True)

    def to_numpy(self, buffer: np.ndarray) -> np.ndarray:
        """Copies a buffer to an array that the caller owns."""
        return np.array(buffer, order="C", copy=True)

    def compile(self, program: Program, options: CompileOptions) -> NumpyExecutable:
        """Plans a program; plans for the sizes that it meets are made when they first come.

        Raises:
            ValueError: If the device is not the CPU.
        """
        _check_device(options.device)
        return NumpyExecutable(program, options.profile)

    @classmethod
    def describe(cls) -> dict[str, Any]:
        """What this backend is, for `cornu backends`."""
        return {"version": np.__version__, "providers": ["numpy"], "devices": ["cpu"]}


def _check_device(device: str) -> None:
    if device not in ("", "cpu"):
        raise ValueError(f"The numpy backend runs on the device 'cpu', not on {device!r}.")
