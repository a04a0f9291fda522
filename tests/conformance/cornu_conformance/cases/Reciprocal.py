"""1 / x"""

from cornu_conformance.case import INF, between, unary

CASES = [
    *unary(lambda x: 1 / x, between(0.5, 4.0), {0.0: INF, INF: 0.0, -4.0: -0.25}),
]
