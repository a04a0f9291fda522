"""The equation of an `EinsumDense` layer, and the shapes that follow from it."""

from __future__ import annotations

import re
from typing import NamedTuple

Sizes = tuple[int | None, ...]

_FORM = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


class Shapes(NamedTuple):
    """The shapes of the weights; the bias's is None if there is none."""

    kernel: tuple[int, ...]
    bias: tuple[int, ...] | None


class Equation:
    """The named axes of input, kernel and output.

    Args:
        text: The equation: "abc,cd->abd", "...c,cd->...d" or "ac...,cd->ad...".
        bias_axes: The output's axes that the bias has, or None.
        layer: The layer's name, for errors.

    Raises:
        ValueError: If it is of none of these forms, or the bias has an axis that the output lacks.
    """

    def __init__(self, text: str, bias_axes: str | None, layer: str) -> None:
        self._where = f"EinsumDense layer '{layer}': equation {text!r}"
        found = _FORM.fullmatch(text)
        parts = found.groups() if found else (None,) * 7
        if found is None or parts[0] != parts[4] or parts[2] != parts[6] or (parts[0] and parts[2]):
            raise ValueError(
                f"{self._where} must have the form 'abc,cd->abd', with letters of your choice; input and output may "
                "both begin, or both end, with '...'."
            )
        self.before, self.after = bool(parts[0]), bool(parts[2])
        self.input, self.kernel, self.output = str(parts[1]), str(parts[3]), str(parts[5])
        if bias_axes is not None and (not bias_axes or set(bias_axes) - set(self.output)):
            raise ValueError(f"{self._where} has no axes {bias_axes!r} in its output for the bias.")
        self.bias = bias_axes

    def fan_axes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The kernel's axes that are summed over, and those that the output has."""
        axes = range(len(self.kernel))
        inner = tuple(axis for axis in axes if self.kernel[axis] not in self.output)
        return inner, tuple(axis for axis in axes if axis not in inner)

    def shapes(self, input_shape: Sizes, output_shape: Sizes) -> Shapes:
        """The shapes of the weights.

        Args:
            input_shape: With the batch.
            output_shape: The sizes of the output's named axes, without the batch where there is no `...` in front.

        Raises:
            ValueError: If they contradict the equation, or leave a size of a weight free.
        """
        elided = len(input_shape) - len(self.input)
        if elided < 0 or (elided and not (self.before or self.after)):
            raise ValueError(f"{self._where} does not fit the rank of the input shape {input_shape}.")
        named = input_shape[elided:] if self.before else input_shape[: len(self.input)]
        sizes = dict(zip(self.input, named, strict=True))
        wanted = output_shape if self.before else (input_shape[0], *output_shape)
        if len(wanted) != len(self.output):
            raise ValueError(
                f"{self._where} has the output axes {self.output!r}, which `output_shape={output_shape}` does not fit"
                f"{'' if self.before else ' (leave the batch out)'}."
            )
        for letter, size in zip(self.output, wanted, strict=True):
            if size is not None and letter in sizes and sizes[letter] != size:
                raise ValueError(
                    f"{self._where}: axis {letter!r} has the size {sizes[letter]} in the input shape {input_shape}, "
                    f"but {size} in the output shape {wanted}."
                )
            sizes.setdefault(letter, size)
        bias = None
        if self.bias is not None:
            first = min(self.output.index(letter) for letter in self.bias)
            axes = [letter if letter in self.bias else "" for letter in self.output[first:]]
            bias = self._fixed("bias", axes + [""] * (elided if self.after else 0), sizes)
        return Shapes(self._fixed("kernel", list(self.kernel), sizes), bias)

    def _fixed(self, weight: str, axes: list[str], sizes: dict[str, int | None]) -> tuple[int, ...]:
        """The sizes of a weight's axes; 1 for those without a letter."""
        shape = []
        for letter in axes:
            size = sizes.get(letter) if letter else 1
            if size is None:
                raise ValueError(f"{self._where}: the size of axis {letter!r} of the {weight} must be known.")
            shape.append(int(size))
        return tuple(shape)
