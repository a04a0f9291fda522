"""The inverse cosine"""

import math

from cornu_conformance.case import NAN, between, unary

CASES = [
    *unary(math.acos, between(-0.9, 0.9), {-1.0: math.pi, 1.0: 0.0, 0.0: math.pi / 2, 1.5: NAN}),
]
