"""The tangent"""

import math

from cornu_conformance.case import between, unary

CASES = [
    *unary(math.tan, between(-1.25, 1.25), {0.0: 0.0, math.pi / 4: 1.0}),
]
