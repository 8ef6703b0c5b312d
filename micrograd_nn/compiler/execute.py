"""Where generated source becomes functions: the one place in this project that calls exec.

Promise: what is executed holds identifiers that this package made and exact float constants, never a label, a name
or any other text of a user's, save the name of an operation. That follows ``row_``, which begins no other name, so an
operation may be called ``total``, ``len`` or ``v1``.
"""

import math
from typing import Any

from ..engine.operation import TABLE


def execute(source: str, **scope: Any) -> dict[str, Any]:
    """The functions that a source defines; ``math``, exp, nan, inf and the forwards, as ``row_name``, are in scope."""
    forwards = {f"row_{row.name}": row.forward for row in TABLE.values()}
    names: dict[str, Any] = {**forwards, "math": math, "exp": math.exp, "nan": math.nan, "inf": math.inf, **scope}
    exec(compile(source, "<compiled by micrograd_nn>", "exec"), names)
    return names
