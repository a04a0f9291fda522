"""Buffers: `jax.Array`s that lie on one device."""

from __future__ import annotations

import jax
import numpy as np
from cornu.backend.contract import BackendError


def put(array: np.ndarray, device: jax.Device) -> jax.Array:
    """Copies an array to a device, in its own dtype; the caller may change it afterwards.

    Args:
        array: The array.
        device: The device.

    Raises:
        BackendError: The device has no room for it.
    """
    # JAX itself does not always copy, not even where it is told to: on a CPU it may go on with this array's memory.
    return refer(np.array(array, order="C"), device)


def refer(array: np.ndarray, device: jax.Device) -> jax.Array:
    """A buffer of an array that nobody writes to; on a CPU it may be the array's own memory.

    Args:
        array: The array.
        device: The device.

    Raises:
        BackendError: The device has no room for it.
    """
    try:
        with jax.enable_x64(True):
            buffer: jax.Array = jax.device_put(array, device)
        return buffer
    except jax.errors.JaxRuntimeError as error:
        raise BackendError(str(error)) from error


def get(buffer: jax.Array) -> np.ndarray:
    """Copies a buffer to a new array that can be written to.

    Args:
        buffer: The buffer.

    Raises:
        BackendError: What was to compute it failed.
    """
    try:
        return np.array(buffer, copy=True)
    except jax.errors.JaxRuntimeError as error:
        raise BackendError(str(error)) from error
