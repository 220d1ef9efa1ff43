"""A program in the foreground: its output while it runs, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...engines.events import Cancellation, Emit
from ...engines.follow import follow
from ...errors import ContainerMagicsError, UsageError
from ..call import Call
from ..results import RunOutput
from .streaming import Streaming

__all__ = ["stream"]


def stream(
    verb: Callable[[Emit, Cancellation], int],
    command: Iterable[str],
    call: Call,
    *,
    leave: bool = False,
) -> RunOutput:
    """Show what a verb's program writes until it ends.

    Args:
        verb: gives the exit status.
        command: what the result says was asked for.
        call: whose surface shows it. Where it is lenient, failures are shown, and are results.
        leave: an interruption only ends the watching, and is no failure.

    Raises:
        RunError: the status is not 0, or it could not start.
    """
    streaming = Streaming(call.surface)
    following = follow(verb)
    code = 0
    try:
        for event in following:
            streaming.take(event)
        code = following.result
    except KeyboardInterrupt:
        if not leave:
            raise
    except UsageError:
        raise
    except ContainerMagicsError as error:
        streaming.close()
        if not call.lenient:
            raise
        call.surface.write("\n".join(error._render_traceback_()) + "\n", 2)
        code = error.exit_code
    finally:
        streaming.close()
    output = streaming.output(code, command, "")
    if not call.lenient:
        output.check()
    return output
