"""Laying a program out: views, lifetimes, buffers and steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from cornu.ir.dim import substitute
from cornu.ir.primitive import lookup
from cornu.ir.program import Node, Program, Value, bind_attribute
from cornu.ir.types import numpy_dtype

from cornu_numpy import control, convolution, elementwise, movement, pooling, random, reduction, steps
from cornu_numpy.kernel import MAKERS, Kernel, Operation
from cornu_numpy.memory import Buffers, Storage
from cornu_numpy.movement import View, phantom, reshapes_to_view, view_of, without_barriers

if TYPE_CHECKING:
    from cornu_numpy.plan import Plan

__all__ = ["Layout", "Returned", "convolution", "elementwise", "movement", "pooling", "random", "reduction"]


class Returned(NamedTuple):
    """An output: where it is found, whether it is copied from there, the slot of its memory if that can be given."""

    slot: int
    copied: bool
    given: int | None


class Layout:
    """Everything about a plan that needs no real memory.

    Args:
        program: The program.
        sizes: The value of each symbol.
        make_plan: What makes plans of sub-programs.
    """

    def __init__(
        self, program: Program, sizes: Mapping[str, int], make_plan: Callable[[Program, Mapping[str, int]], Plan]
    ) -> None:
        self.program = program
        self.nodes = without_barriers(program.nodes)
        self.sizes = sizes
        self.make_plan = make_plan
        self.buffers = Buffers()
        self.steps: list[steps.Step] = []
        self.step_nodes: dict[Any, Node] = {}
        self.silent: set[Any] = set()  # steps that compute nothing
        self.constants: list[tuple[int, np.ndarray]] = []
        self.placed: list[tuple[int, int, tuple[int, ...], np.dtype]] = []
        self.views: list[tuple[tuple[int, ...], View, int]] = []
        self.clear: list[int] = []
        self.reused_inputs: list[tuple[int, int]] = []  # a step, and the input that it writes to if that is donated
        self.slots = len(program.inputs) + 1  # the one after the inputs holds the donated positions

        self._slot: dict[Value, int] = {}
        self._storage: dict[Value, Storage] = {}
        self._like: dict[Value, np.ndarray] = {}
        self._view: list[View | None] = []
        self._attributes: list[dict[str, Any]] = []
        self._dying: list[list[Storage]] = []
        self._members: dict[Storage, list[int]] = {}
        self._fresh: set[Storage] = set()

        self._find_storages()
        self._find_lifetimes()
        self._decide_outputs()
        for i, node in enumerate(self.nodes):
            self._plan_node(i, node)
        self.returned = self._returned
        self._like.clear()

    # -- storages --------------------------------------------------------------------------------------------------

    def _find_storages(self) -> None:
        for i, value in enumerate(self.program.inputs):
            self._define(value, source=i)
            self._slot[value] = i  # in their order, so that a call only copies references
        for node in self.nodes:
            attributes = {
                name: bind_attribute(attribute, self.sizes, self._bind_body)
                for name, attribute in node.attributes.items()
                if name not in ("vjp",)
            }
            self._attributes.append(attributes)
            view = view_of(node.op, attributes)
            if view is not None and not self._define_views(node, view):
                view = None
            if view is None:
                for value in node.outputs:
                    self._define(value, constant=node.op == "Constant")
            self._view.append(view)

    def _define(self, value: Value, source: int | None = None, constant: bool = False) -> None:
        shape = tuple(int(substitute(dim, self.sizes)) for dim in value.shape)
        dtype = numpy_dtype(value.dtype)
        self._like[value] = phantom(shape, dtype)
        storage = self._storage[value] = Storage(shape, dtype, source=source, constant=constant)
        self._add_slot(value, storage)

    def _define_views(self, node: Node, view: View) -> bool:
        """Lets the outputs share their operand's storage; False where they would be copies."""
        (x,) = node.inputs
        like = self._like[x]
        if node.op == "Reshape" and not reshapes_to_view(like, self._attributes[-1]["shape"]):
            return False
        made = view(like)
        arrays = made if isinstance(made, (list, tuple)) else (made,)
        for value, array in zip(node.outputs, arrays, strict=True):
            self._like[value] = array
            self._storage[value] = self._storage[x]
            self._add_slot(value, self._storage[x])
        return True

    def _add_slot(self, value: Value, storage: Storage) -> None:
        self._slot[value] = self.slots
        self.slots += 1
        self._members.setdefault(storage, []).append(self._slot[value])

    def _bind_body(self, body: Program, sizes: Mapping[str, int]) -> Any:
        return control.PlannedBody(body, sizes, self.make_plan)

    # -- lifetimes -------------------------------------------------------------------------------------------------

    def _find_lifetimes(self) -> None:
        for i, node in enumerate(self.nodes):
            for value in (*node.inputs, *node.outputs):
                self._storage[value].last = i
        for value in self.program.outputs:
            self._storage[value].last = len(self.nodes)
        self._dying = [[] for _ in self.nodes]
        for storage in dict.fromkeys(self._storage.values()):
            if 0 <= storage.last < len(self._dying):
                self._dying[storage.last].append(storage)

    def _decide_outputs(self) -> None:
        """An output that fills its storage is made in fresh memory and handed out; any other is copied at the end."""
        self._returned: list[Returned] = []
        for value in self.program.outputs:
            storage, like = self._storage[value], self._like[value]
            own = storage.source is None and not storage.constant and storage not in self._fresh
            whole = like.flags.c_contiguous and like.size == np.prod(storage.shape, dtype=np.int64)
            if own and whole:
                self._fresh.add(storage)
            given = self._slot[value] if own and whole and like.shape == storage.shape else None
            self._returned.append(Returned(self._slot[value], not (own and whole), given))

    # -- nodes -----------------------------------------------------------------------------------------------------

    def _plan_node(self, i: int, node: Node) -> None:
        view = self._view[i]
        if node.op == "Constant":
            array = np.asarray(node.attributes["value"], order="C")
            self.constants.append((self._slot[node.outputs[0]], array))
        elif view is not None:
            self._plan_view(node, view)
        else:
            self._plan_kernel(i, node)
        self._free(i)

    def _plan_view(self, node: Node, view: View) -> None:
        (x,) = node.inputs
        slots = tuple(self._slot[value] for value in node.outputs)
        if self._storage[x].lasting:
            self.views.append((slots, view, self._slot[x]))
        else:
            self._add_step(steps.view(view, self._slot[x], slots), node)
            self.clear.extend(slots)

    def _plan_kernel(self, i: int, node: Node) -> None:
        made = self._make_kernel(i, node) if len(node.outputs) == 1 else None
        inputs = [self._slot[value] for value in node.inputs]
        if made is None:
            function = control.KERNELS.get(node.op) or lookup(node.op).kernel
            outputs = [self._slot[value] for value in node.outputs]
            self._add_step(steps.returning(function, self._attributes[i], inputs, outputs), node)
            self.clear.extend(outputs)
            return
        (value,) = node.outputs
        storage, output = self._storage[value], self._slot[value]
        taken = [
            self.buffers.take(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize) for shape, dtype in made.scratch
        ]
        for buffer, (shape, dtype) in zip(taken, made.scratch, strict=True):
            self.placed.append((self.slots, buffer, shape, dtype))
            inputs.append(self.slots)
            self.slots += 1
        victim = self._victim(i, node, made)
        if storage in self._fresh:
            reused = self._reused(victim)
            if reused is not None and reused[1] is not None:
                self.reused_inputs.append((len(self.steps), reused[1]))
            self._add_step(steps.fresh(made.run, inputs, output, storage, reused, self._donations), node)
            self.clear.append(output)
        else:
            if victim is not None:
                storage.buffer = self._storage[victim].buffer
                self._storage[victim].passed_on = True
            else:
                storage.buffer = self.buffers.take(storage.nbytes)
            assert storage.buffer is not None
            self.placed.append((output, storage.buffer, storage.shape, storage.dtype))
            self._add_step(steps.planned(made.run, inputs, output), node)
        for buffer in taken:
            self.buffers.give_back(buffer)

    def _make_kernel(self, i: int, node: Node) -> Kernel | None:
        maker = MAKERS.get(node.op if node.op != "Call" else f"Call:{node.attributes['name']}")
        if maker is None:
            return None
        (value,) = node.outputs
        storage = self._storage[value]
        likes = tuple(self._like[value] for value in node.inputs)
        return maker(Operation(node.op, self._attributes[i], likes, storage.shape, storage.dtype))

    def _victim(self, i: int, node: Node, made: Kernel) -> Value | None:
        """An operand that dies here and whose place the result may take."""
        if not made.in_place:
            return None
        output = self._storage[node.outputs[0]]
        leaves = output in self._fresh  # so that it may not lie in one of the plan's buffers
        for value in node.inputs:
            storage, like = self._storage[value], self._like[value]
            fits = (storage.shape, storage.dtype) == (output.shape, output.dtype) and like.shape == storage.shape
            alone = all(self._storage[other] is not storage or other is value for other in node.inputs)
            movable = not storage.constant and (storage.buffer is None) == leaves
            if fits and alone and like.flags.c_contiguous and storage.last == i and movable:
                return value
        return None

    @property
    def _donations(self) -> int:
        return len(self.program.inputs)

    def _reused(self, victim: Value | None) -> tuple[int, int | None] | None:
        """The slot of an array from outside the plan's buffers, and the input's position if it must be donated."""
        if victim is None:
            return None
        return self._slot[victim], self._storage[victim].source

    def _add_step(self, step: steps.Step, node: Node) -> None:
        self.steps.append(step)
        self.step_nodes[step] = node

    def _free(self, i: int) -> None:
        dropped: list[int] = []
        for storage in self._dying[i]:
            if storage.buffer is not None:
                if not storage.passed_on:
                    self.buffers.give_back(storage.buffer)
            elif not storage.constant and storage.source is None:
                dropped.extend(self._members[storage])
        if dropped:
            self._add_step(steps.dropping(dropped), self.nodes[i])
            self.silent.add(self.steps[-1])
