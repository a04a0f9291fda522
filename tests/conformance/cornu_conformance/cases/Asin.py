"""The inverse sine"""

import math

from cornu_conformance.case import NAN, between, unary

CASES = [
    *unary(math.asin, between(-0.9, 0.9), {-1.0: -math.pi / 2, 0.0: 0.0, 1.0: math.pi / 2, 1.5: NAN}),
]
