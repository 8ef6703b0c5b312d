"""The engine: a number that remembers how it was made, the table of operations, and the sweep back through the graph.

Read it in this order: operation, ops, graph, modes, value, backprop.
"""

from .backprop import grad as grad
from .backprop import hessian as hessian
from .backprop import replay as replay
from .backprop import value_and_grad as value_and_grad
from .graph import topological_order as topological_order
from .modes import detect_anomaly as detect_anomaly
from .modes import no_grad as no_grad
from .operation import TABLE as TABLE
from .operation import Operation as Operation
from .value import Value as Value
