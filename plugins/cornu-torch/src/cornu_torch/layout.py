"""Making a plan of a program: where values lie, how long they live, and which memory may be used again.

Every value has a root, the value whose memory it may lie in: that of a Reshape is its operand's. A node may write its
result over an operand if the operand's root was made by this program (or was donated), is no output, and if no other
value with that root is read at the same node or later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from cornu.backend.contract import BackendError
from cornu.ir.program import Node, Program, Value, bind_attribute

from cornu_torch.dtypes import is_carried
from cornu_torch.plan import Output, Plan, Step, inner_scope
from cornu_torch.site import Body, Kernel, Run, Shape, Site, lookup
from cornu_torch.support import name_of

Tensor = torch.Tensor

SMALL = 1 << 16
"""How many elements a value without operands may have to be kept between calls."""

NEVER = -1


class Layout:
    """A plan in the making.

    Args:
        program: The program.
        sizes: The value of each symbol.
        device: Where it runs.
        constants: The program's constants as tensors, those of sub-programs included.
        donated: Positions of inputs whose memory may be used.
        copied: Positions of outputs that the caller copies.
        scope: The scope of the node that holds the program, if it is a body.
    """

    def __init__(
        self,
        program: Program,
        sizes: Mapping[str, int],
        device: torch.device,
        constants: Mapping[Node, Tensor],
        donated: Collection[int] = (),
        copied: Collection[int] = (),
        scope: str = "",
    ) -> None:
        self.program = program
        self.sizes = sizes
        self.device = device
        self.constants = constants
        self.copied = copied
        self.scope = scope
        self.slots: dict[Value, int] = {value: i for i, value in enumerate(program.inputs)}
        self.kept: dict[int, Tensor] = {}
        self.steps: list[Step] = []
        self.spent: list[tuple[int, int]] = []
        self.sites = [self._site(node) for node in program.nodes]
        self.roots: dict[Value, Value] = {}
        self.owned: set[Value] = {program.inputs[i] for i in donated}
        self.stretched: set[Value] = set()
        self.partial: set[Value] = set()
        self._find_roots()
        self._find_last_readers()

    def plan(self) -> Plan:
        """The plan.

        Raises:
            BackendError: If a node cannot be prepared.
        """
        for place, (node, site) in enumerate(zip(self.program.nodes, self.sites, strict=True)):
            self._add(place, node, site)
        frame = [self.kept.get(slot) for slot in range(len(self.slots))]
        carried_inputs = [i for i, value in enumerate(self.program.inputs) if is_carried(value.dtype)]
        count = len(self.program.inputs)
        return Plan(count, carried_inputs, frame, self.steps, self._outputs(), self.spent, self.scope)

    # -- memory --------------------------------------------------------------------------------------------------

    def _find_roots(self) -> None:
        self.roots.update((value, value) for value in self.program.inputs)
        for node, site in zip(self.program.nodes, self.sites, strict=True):
            kernel = lookup(site.op)
            if node.inputs and kernel.views(site):
                sources = node.inputs if site.op == "Barrier" else (node.inputs[0],) * len(node.outputs)
                for value, source in zip(node.outputs, sources, strict=False):
                    self.roots[value] = self.roots[source]
                    if kernel.stretches or source in self.stretched:
                        self.stretched.add(value)
                continue
            for value in node.outputs:
                self.roots[value] = node.outputs[0] if kernel.shared else value
            if node.inputs:  # what has no operands is kept between calls
                self.owned.update(node.outputs)

    def _find_last_readers(self) -> None:
        self.last: dict[Value, int] = {}
        for place, node in enumerate(self.program.nodes):
            for value in node.outputs:
                self.last.setdefault(value, place)
            for value in node.inputs:
                self.last[value] = place
        end = len(self.program.nodes)
        self.last.update((value, end) for value in self.program.outputs)
        self.root_last: dict[Value, int] = {}
        for value, place in self.last.items():
            root = self.roots[value]
            self.root_last[root] = max(place, self.root_last.get(root, NEVER))

    def _overwritable(self, place: int, node: Node, kernel: Kernel) -> int | None:
        """The operand that the result may be written over."""
        result = node.outputs[0]
        for i in kernel.overwrites:
            value = node.inputs[i]
            root = self.roots[value]
            if root not in self.owned or value in self.stretched or self.root_last[root] != place:
                continue
            if any(other is not value and self.roots[other] is root for other in node.inputs):
                continue
            if value.dtype == result.dtype and self._shape(value) == self._shape(result):
                return i
        return None

    # -- nodes ---------------------------------------------------------------------------------------------------

    def _shape(self, value: Value) -> Shape:
        shape: Shape = bind_attribute(value.shape, self.sizes, _unbound)
        return shape

    def _site(self, node: Node) -> Site:
        values = node.inputs
        return Site(
            name_of(node),
            {name: bind_attribute(value, self.sizes, _unbound) for name, value in node.attributes.items()},
            tuple(value.dtype for value in values),
            tuple(map(self._shape, values)),
            tuple(value.dtype for value in node.outputs),
            tuple(map(self._shape, node.outputs)),
            self.device,
            self._body_maker(node),
        )

    def _add(self, place: int, node: Node, site: Site) -> None:
        for value in node.outputs:
            self.slots[value] = len(self.slots)
        result = self.slots[node.outputs[0]] if node.outputs else NEVER
        if node in self.constants:
            self.kept[result] = self.constants[node]
            return
        kernel = lookup(site.op)
        overwrite = self._overwritable(place, node, kernel)
        if overwrite is not None:
            operand = node.inputs[overwrite]
            if operand is not self.roots[operand] or operand in self.partial:
                self.partial.add(node.outputs[0])
            source = self.slots[self.roots[operand]]
            if source < len(self.program.inputs):
                self.spent.append((len(self.steps), source))
            site = replace(site, overwrite=overwrite)
        function = self._make(kernel, site, node)
        if not node.inputs and math.prod(site.result_shapes[0]) <= SMALL:
            self.kept[result] = function()
            return
        operands = tuple(self.slots[value] for value in node.inputs)
        results = tuple(self.slots[value] for value in node.outputs)
        dead = {self.slots[value] for value in (*node.inputs, *node.outputs) if self.last[value] == place}
        several = kernel.sequence or len(results) != 1
        self.steps.append(Step(function, operands, results if several else result, tuple(sorted(dead)), node))

    def _make(self, kernel: Kernel, site: Site, node: Node) -> Run:
        try:
            return kernel.make(site)
        except BackendError:
            raise
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            raise BackendError(message, site.op, inner_scope(self.scope, node), frozenset()) from error

    def _body_maker(self, node: Node) -> Callable[..., Body]:
        def make(body: Program, shapes: Sequence[Shape], copied: Collection[int] = ()) -> Body:
            sizes = body.bind(shapes, self.sizes)
            scope = inner_scope(self.scope, node)
            return Layout(body, sizes, self.device, self.constants, (), copied, scope).plan().run_inside

        return make

    def _outputs(self) -> list[Output]:
        outputs, seen = [], set[Value]()
        for i, value in enumerate(self.program.outputs):
            root, loose = self.roots[value], i in self.copied
            copied = root not in self.owned or root in seen
            seen.add(root)
            whole = value is root and value not in self.partial
            outputs.append(Output(self.slots[value], copied, loose, whole, is_carried(value.dtype)))
        return outputs


def _unbound(body: Program, sizes: Mapping[str, int]) -> Any:
    """Sub-programs stay as they are: their sizes are bound when their inputs' shapes are known."""
    return body


def make_constants(program: Program, convert: Callable[[Any], Tensor]) -> dict[Node, Tensor]:
    """Every constant of a program and its sub-programs as a tensor."""
    made = {}
    for node in program.nodes:
        if node.op == "Constant":
            made[node] = convert(node.attributes["value"])
        for body in node.bodies.values():
            made.update(make_constants(body, convert))
    return made
