"""Build checks: advice on a Dockerfile, without building it.

    rules      the rules, by name, as Docker's build-checks reference lists them
    options    which of them count: the `check` directive
    writing    rules on how instructions are written
    stages     rules on stages and their bases
    variables  rules on variables that nobody sets
    checking   all of them, over one Dockerfile

Names and wording are BuildKit's: <https://docs.docker.com/reference/build-checks/>.
"""

from __future__ import annotations

from .checking import Surroundings, check
from .options import CheckOptions
from .rules import Violation

__all__ = ["CheckOptions", "Surroundings", "Violation", "check"]
