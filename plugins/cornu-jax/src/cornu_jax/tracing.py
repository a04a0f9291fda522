"""From a program to a function that JAX can trace: its nodes one after the other, on kernels of `jax.lax`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from cornu.backend.contract import BackendError
from cornu.ir.program import Node, Program, Value, bind_attribute

from cornu_jax.folding import fold_padding
from cornu_jax.kernels import KERNELS
from cornu_jax.support import OF_CALLS

Arrays = Sequence[jax.Array]
Body = Callable[..., list[jax.Array]]

LARGE = 4096
"""From how many bytes on a constant is an argument of the executable: smaller ones XLA folds, larger ones slow it."""


def large_constants(program: Program) -> list[np.ndarray]:
    """The constants that are not written into the executable, each once.

    Args:
        program: The program; the bodies of its branches and loops count, too.
    """
    found = {id(value): value for value in _constants(program) if value.nbytes >= LARGE}
    return list(found.values())


def _constants(program: Program) -> Iterable[np.ndarray]:
    for node in program.nodes:
        if node.op == "Constant":
            yield node.attributes["value"]
        elif node.op != "Call":  # what runs a composite does not look into its body
            for body in node.bodies.values():
                yield from _constants(body)


class Interpreter:
    """Runs programs on values that JAX traces.

    Args:
        held: The large constants' values, by the identity of their arrays.
    """

    def __init__(self, held: Mapping[int, jax.Array]) -> None:
        self._held = held

    def run(self, program: Program, arrays: Arrays, sizes: Mapping[str, int] | None = None) -> list[jax.Array]:
        """A program's outputs.

        Args:
            program: The program.
            arrays: A value for each of its inputs.
            sizes: The symbols' values in the program around it.

        Raises:
            BackendError: A node cannot be run.
        """
        program = fold_padding(program)
        sizes = program.bind([array.shape for array in arrays], sizes)
        values: dict[Value, jax.Array] = dict(zip(program.inputs, arrays, strict=True))
        for node in program.nodes:
            try:
                results = self._results(node, [values[value] for value in node.inputs], sizes)
                _check(node, results, sizes)
            except BackendError:
                raise  # from a body: it knows better where
            except Exception as error:
                raise BackendError(f"{type(error).__name__}: {error}", _name(node), node.scope) from error
            values.update(zip(node.outputs, results, strict=True))
        return [values[value] for value in program.outputs]

    def _results(self, node: Node, operands: Arrays, sizes: Mapping[str, int]) -> Sequence[jax.Array]:
        if node.op == "Constant":
            return [self._constant(node.attributes["value"])]
        attributes = node.attributes
        if node.op == "Call":  # its body only tells what it means
            attributes = {k: v for k, v in attributes.items() if k not in OF_CALLS}
        bound = {name: bind_attribute(value, sizes, self._body) for name, value in attributes.items()}
        with jax.named_scope(f"{node.scope}/{_name(node)}".lstrip("/")):
            results = KERNELS[_name(node)](*operands, **bound)
        return [results] if isinstance(results, jax.Array) else results

    def _constant(self, value: np.ndarray) -> jax.Array:
        held = self._held.get(id(value))
        return jnp.asarray(value) if held is None else held

    def _body(self, program: Program, sizes: Mapping[str, int]) -> Body:
        return partial(self._run_body, program, sizes)

    def _run_body(self, program: Program, sizes: Mapping[str, int], *arrays: jax.Array) -> list[jax.Array]:
        return self.run(program, arrays, sizes)


def _name(node: Node) -> str:
    return str(node.attributes["name"]) if node.op == "Call" else node.op


def declared(value: Value, sizes: Mapping[str, int]) -> tuple[str, tuple[int, ...]]:
    """The dtype and shape that a program declares for a value.

    Args:
        value: The value.
        sizes: The symbols' values.
    """
    return value.dtype, bind_attribute(value.shape, sizes, _no_body)


def _no_body(program: Program, sizes: Mapping[str, int]) -> Any:
    raise TypeError("A shape holds no program.")


def _check(node: Node, results: Arrays, sizes: Mapping[str, int]) -> None:
    """Holds what a kernel gave against what the program says: this costs nothing when it runs."""
    for value, result in zip(node.outputs, results, strict=True):
        given = result.dtype.name, result.shape
        if given != declared(value, sizes):
            raise TypeError(f"the kernel gives {given}, the program declares {declared(value, sizes)}")
