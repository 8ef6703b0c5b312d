"""micrograd_nn: one recorded scalar graph, stepped, derived, drawn, and compiled.

Promise: the public names, and nothing else. Importing them imports neither NumPy nor any other package.
"""

# isort: off
# fmt: off
from .compiler import compile as compile  # not in __all__: `import *` leaves Python's own alone
from .derive import Slip, check_partials, count_paths, explain, gradcheck, paths, quiz, steps, to_sympy, tutor
from .derive import wrong_order
from .draw import draw_dot, draw_network, explore, trace, walk
from .engine.backprop import grad, hessian, replay, value_and_grad
from .engine.modes import detect_anomaly, no_grad
from .engine.operation import TABLE, Domain, Operation
from .engine.ops import cos, elu, exp, leaky_relu, log, logaddexp, maximum, minimum, relu, sigmoid, sin, softplus
from .engine.ops import sqrt, step, stop_gradient, tanh
from .engine.value import Value
from .errors import AnomalyError, MicrogradError
from .habits import UNREACHED
from .nn import losses, optim
from .nn.embedding import Embedding
from .nn.functional import log_softmax, logsumexp, maxout, mean, softmax, total
from .nn.layers import MLP, Layer, Maxout, Neuron
from .nn.losses import absolute_error, binary_cross_entropy, binary_cross_entropy_with_logits
from .nn.losses import categorical_cross_entropy, hinge, l1, l2, mse, performance, signed_error
from .nn.losses import softmax_cross_entropy, squared_error
from .nn.module import Module, Parameter
from .nn.optim import SGD, Adam, AdamW, CosineAnnealingLR, ExponentialLR, LambdaLR, Optimizer, RMSprop, StepLR
from .notation._formula import formula
from .number import Wider
from .storage.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from .storage.exchange import from_torch, to_torch
from .storage.networks import load, load_into, save
from .training import EarlyStopping, History, accuracy, confusion_matrix, decisions, evaluate, fit, predict
from .training.line import least_squares

__all__ = [
    "Slip", "check_partials", "count_paths", "explain", "gradcheck", "paths", "quiz", "steps", "to_sympy", "tutor",
    "wrong_order", "draw_dot", "draw_network", "explore", "trace", "walk", "grad", "hessian", "replay",
    "value_and_grad", "detect_anomaly", "no_grad", "TABLE", "Domain", "Operation", "cos", "elu", "exp", "leaky_relu",
    "log", "logaddexp", "maximum", "minimum", "relu", "sigmoid", "sin", "softplus", "sqrt", "step", "stop_gradient",
    "tanh", "Value", "AnomalyError", "MicrogradError", "losses", "optim", "log_softmax", "logsumexp", "maxout", "mean",
    "softmax", "total", "Embedding", "MLP", "Layer", "Maxout", "Neuron", "absolute_error", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "categorical_cross_entropy", "hinge", "l1", "l2", "mse", "performance",
    "signed_error", "softmax_cross_entropy", "squared_error", "Module", "Parameter", "SGD", "Adam", "AdamW",
    "CosineAnnealingLR", "ExponentialLR", "LambdaLR", "Optimizer", "RMSprop", "StepLR", "formula", "Wider",
    "Checkpoint", "load_checkpoint", "save_checkpoint", "from_torch", "to_torch", "load", "load_into", "save",
    "EarlyStopping", "History", "accuracy", "confusion_matrix", "decisions", "evaluate", "fit", "predict",
    "least_squares", "UNREACHED",
]

__version__ = "0.1.0"
