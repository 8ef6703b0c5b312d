"""Training: ``fit`` and its history, metrics, callbacks.

One loop, on the recorded graph or on its compiled Program, with the same numbers. What comes in is checked before the
first step; what went wrong leaves the last good step behind.
"""

from ._evaluate import evaluate as evaluate
from ._evaluate import predict as predict
from ._fit import fit as fit
from .callbacks import EarlyStopping as EarlyStopping
from .history import History as History
from .metrics import accuracy as accuracy
from .metrics import confusion_matrix as confusion_matrix
from .metrics import correct as correct
from .metrics import decisions as decisions
from .running import Training as Training
