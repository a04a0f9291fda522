"""The devices that programs can run on, by name."""

from __future__ import annotations

import jax

PLATFORMS = ("cpu", "gpu")
"""Where XLA keeps every dtype and IEEE arithmetic. A TPU does not, and nobody has tried others."""

_ALIASES = {"cuda": "gpu", "rocm": "gpu"}


class Devices:
    """The devices of this process: `cpu`, `gpu`, or one of several as `gpu:1`; `""` is JAX's default one.

    Raises:
        ValueError: JAX's default device is of no platform that this backend knows.
    """

    def __init__(self) -> None:
        default = jax.local_devices()[0]
        if default.platform not in PLATFORMS:
            told = f"cornu-jax runs on {' and '.join(PLATFORMS)}, but JAX's default device is {default}"
            raise ValueError(f"{told}. Set JAX_PLATFORMS=cpu to run on the CPU.")
        self._found: dict[str, jax.Device] = {"": default}
        for platform in PLATFORMS:
            self._found.update(_of_platform(platform))

    def __contains__(self, device: str) -> bool:
        return _spelled(device) in self._found

    def __getitem__(self, device: str) -> jax.Device:
        try:
            return self._found[_spelled(device)]
        except KeyError:
            raise ValueError(f"There is no device {device!r}; there are {', '.join(self.names())}.") from None

    def names(self) -> list[str]:
        """The names of all devices, each with its number."""
        return [name for name in self._found if ":" in name]


def _of_platform(platform: str) -> dict[str, jax.Device]:
    try:
        devices = jax.local_devices(backend=platform)
    except RuntimeError:  # this installation of JAX has no such platform
        return {}
    return {platform: devices[0], **{f"{platform}:{i}": device for i, device in enumerate(devices)}}


def _spelled(device: str) -> str:
    platform, colon, number = device.partition(":")
    return _ALIASES.get(platform, platform) + colon + number
