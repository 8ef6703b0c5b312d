"""micrograd_nn: one recorded scalar graph, stepped, derived, drawn, and compiled.

Promise: the public names, and nothing else.
"""

from .backprop import grad as grad
from .backprop import hessian as hessian
from .backprop import value_and_grad as value_and_grad
from .errors import MicrogradError as MicrogradError
from .functional import log_softmax as log_softmax
from .functional import logsumexp as logsumexp
from .functional import maxout as maxout
from .functional import mean as mean
from .functional import softmax as softmax
from .functional import total as total
from .losses import mse as mse
from .losses import squared_error as squared_error
from .modes import detect_anomaly as detect_anomaly
from .modes import no_grad as no_grad
from .nn import MLP as MLP
from .nn import Layer as Layer
from .nn import Maxout as Maxout
from .nn import Module as Module
from .nn import Neuron as Neuron
from .operation import TABLE as TABLE
from .operation import Operation as Operation
from .ops import cos as cos
from .ops import elu as elu
from .ops import exp as exp
from .ops import leaky_relu as leaky_relu
from .ops import log as log
from .ops import logaddexp as logaddexp
from .ops import maximum as maximum
from .ops import minimum as minimum
from .ops import relu as relu
from .ops import sigmoid as sigmoid
from .ops import sin as sin
from .ops import softplus as softplus
from .ops import sqrt as sqrt
from .ops import step as step
from .ops import stop_gradient as stop_gradient
from .ops import tanh as tanh
from .optim import SGD as SGD
from .value import Value as Value

__version__ = "0.1.0"
