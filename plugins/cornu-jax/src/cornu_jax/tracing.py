"""From a program to what JAX can trace: its nodes one after the other, on kernels of `jax.lax`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from cornu.backend.contract import BackendError
from cornu.ir.program import Node, Program, Value, bind_attribute

from cornu_jax.folding import fold_padding
from cornu_jax.kernels import KERNELS
from cornu_jax.support import OF_CALLS

Arrays = Sequence[jax.Array]


def run(program: Program, arrays: Arrays, sizes: Mapping[str, int] | None = None) -> list[jax.Array]:
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
            results = _results(node, [values[value] for value in node.inputs], sizes)
            _check(node, results, sizes)
        except BackendError:
            raise  # from a body: it knows better where
        except Exception as error:
            raise BackendError(f"{type(error).__name__}: {error}", _name(node), node.scope) from error
        values.update(zip(node.outputs, results, strict=True))
    return [values[value] for value in program.outputs]


def declared(value: Value, sizes: Mapping[str, int]) -> tuple[str, tuple[int, ...]]:
    """The dtype and shape that a program declares for a value.

    Args:
        value: The value.
        sizes: The symbols' values.
    """
    return value.dtype, bind_attribute(value.shape, sizes, _bind_body)


def _results(node: Node, operands: Arrays, sizes: Mapping[str, int]) -> Arrays:
    if node.op == "Constant":
        return [jnp.asarray(node.attributes["value"])]
    attributes = node.attributes
    if node.op == "Call":  # its body only tells what it means
        attributes = {name: value for name, value in attributes.items() if name not in OF_CALLS}
    bound = {name: bind_attribute(value, sizes, _bind_body) for name, value in attributes.items()}
    with jax.named_scope(f"{node.scope}/{_name(node)}".lstrip("/")):
        results = KERNELS[_name(node)](*operands, **bound)
    return [results] if isinstance(results, jax.Array) else results


def _bind_body(program: Program, sizes: Mapping[str, int]) -> Any:
    return partial(_run_body, program, sizes)


def _run_body(program: Program, sizes: Mapping[str, int], *arrays: jax.Array) -> list[jax.Array]:
    return run(program, arrays, sizes)


def _name(node: Node) -> str:
    return str(node.attributes["name"]) if node.op == "Call" else node.op


def _check(node: Node, results: Arrays, sizes: Mapping[str, int]) -> None:
    """Holds what a kernel gave against what the program says: this costs nothing when it runs."""
    for value, result in zip(node.outputs, results, strict=True):
        given = result.dtype.name, result.shape
        if given != declared(value, sizes):
            raise TypeError(f"the kernel gives {given}, the program declares {declared(value, sizes)}")
