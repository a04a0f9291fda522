"""The backend: what Cornu calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from cornu_jax.support import runs_natively

if TYPE_CHECKING:
    import jax
    import numpy as np
    from cornu.backend.contract import CompileOptions
    from cornu.ir.program import Program

    from cornu_jax.executable import JaxExecutable

_RECENT = 64
"""How many executables are kept for programs that come again, as those of a model that is built anew."""


class JaxBackend:
    """Runs programs as XLA executables that JAX compiles, on a CPU or a GPU.

    Args:
        cache_size: For how many different sizes of its inputs each program stays compiled.

    Raises:
        ValueError: `cache_size` is not positive, or JAX finds no device that this backend knows.

    Example:
        >>> cornu.config.set_backend("jax")
    """

    contract = "1.0"
    priority = 5
    name = "jax"
    known_failures: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *, cache_size: int = 64) -> None:
        # JAX is imported here, so that listing backends does not.
        from cornu_jax.compilation import Cache
        from cornu_jax.devices import Devices

        if cache_size < 1:
            raise ValueError(f"cache_size is a positive number, got {cache_size!r}.")
        self._cache_size = cache_size
        self._recent = Cache(_RECENT)
        self._devices = Devices()

    def supports(self, op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        """Tells whether a node runs as it is; every dtype that an operator is defined for does.

        Args:
            op: The primitive's or the composite's name.
            dtypes: Its operands' dtypes.
            attributes: Its attributes.
            device: Where it is to run.
        """
        return device in self._devices and runs_natively(op, dtypes, attributes)

    def from_numpy(self, array: np.ndarray, device: str) -> jax.Array:
        """Copies an array to a device.

        Args:
            array: Any array of a dtype that Cornu has.
            device: The device.

        Raises:
            ValueError: There is no such device.
            BackendError: The device has no room for it.
        """
        from cornu_jax.buffers import put

        return put(array, self._devices[device])

    def to_numpy(self, buffer: jax.Array) -> np.ndarray:
        """Copies a buffer to a new array, once its value is there.

        Args:
            buffer: What `from_numpy` or an executable returned.

        Raises:
            BackendError: What was to compute it failed.
        """
        from cornu_jax.buffers import get

        return get(buffer)

    def compile(self, program: Program, options: CompileOptions) -> JaxExecutable:
        """Makes a program executable; XLA compiles it for each sizes of its inputs when they are first met.

        Args:
            program: The program.
            options: The device to run on.

        Raises:
            ValueError: There is no such device.
            BackendError: The device has no room for the program's constants.
        """
        from cornu_jax.executable import JaxExecutable

        return JaxExecutable(program, self._devices[options.device], self._cache_size, self._recent)

    @classmethod
    def describe(cls) -> dict[str, Any]:
        """JAX's version, and the devices that it finds."""
        import jax

        from cornu_jax.devices import Devices

        return {"version": jax.__version__, "devices": Devices().names()}
