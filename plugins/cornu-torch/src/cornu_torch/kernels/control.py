"""Branches, loops and barriers."""

from __future__ import annotations

import torch

from cornu_torch.dtypes import ANY, carrier
from cornu_torch.site import Run, Site, always, kernel

Tensor = torch.Tensor


@kernel("If", dtypes=ANY, sequence=True)
def _if(site: Site) -> Run:
    then, otherwise = (site.body(site.attributes[name], site.shapes[1:]) for name in ("then", "otherwise"))
    return lambda condition, *operands: then(operands) if condition else otherwise(operands)


@kernel("Scan", dtypes=ANY, sequence=True)
def _scan(site: Site) -> Run:
    a = site.attributes
    carries, sequences, length, program = a["carries"], a["sequences"], a["length"], a["body"]
    order = range(length)[::-1] if a["reverse"] else range(length)
    results = list(zip(site.result_shapes[carries:], site.result_dtypes[carries:], strict=True))
    device = site.device
    if not length:
        return lambda *operands: [
            *(x.clone() for x in operands[:carries]),
            *(torch.empty(shape, dtype=carrier(dtype), device=device) for shape, dtype in results),
        ]
    elements = tuple(shape[1:] for shape in site.shapes[carries : carries + sequences])
    copied = range(carries, carries + len(results))
    body = site.body(program, (*site.shapes[:carries], *elements, *site.shapes[carries + sequences :]), copied)

    def run(*operands: Tensor) -> list[Tensor]:
        state = list(operands[:carries])
        rows = [x.unbind(0) for x in operands[carries : carries + sequences]]
        constants = operands[carries + sequences :]
        stacked = [torch.empty(shape, dtype=carrier(dtype), device=device) for shape, dtype in results]
        places = [x.unbind(0) for x in stacked]
        for t in order:
            outputs = body([*state, *(row[t] for row in rows), *constants])
            state = outputs[:carries]
            for place, output in zip(places, outputs[carries:], strict=True):
                place[t].copy_(output)
        return [*state, *stacked]

    return run


@kernel("While", dtypes=ANY, sequence=True)
def _while(site: Site) -> Run:
    carries = site.attributes["carries"]
    condition, body = (site.body(site.attributes[name], site.shapes) for name in ("condition", "body"))

    def run(*operands: Tensor) -> list[Tensor]:
        constants = operands[carries:]
        state = list(operands[:carries])
        if not condition(operands)[0]:
            return [x.clone() for x in state]
        while True:
            state = body([*state, *constants])
            if not condition([*state, *constants])[0]:
                return state

    return run


@kernel("Barrier", dtypes=ANY, views=always, sequence=True)
def _barrier(site: Site) -> Run:
    return lambda *operands: operands[:-1]
