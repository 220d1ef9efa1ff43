"""Where a build's result goes: `--output`, as BuildKit's exporters have it.

    exporting     which exporters a request asks for, and whether the engine keeps the image
      directory     local: the merged file system in a directory
      archive       tar: the same as a tar; oci and docker: the image, layers compressed
      whole         files that are there when they are whole

Everything is checked before the build begins. What an exporter writes is written beside its place
and then moved there, so a build that fails or is cancelled leaves what was there.
"""

from .exporting import Exports, exports
from .result import Result

__all__ = ["Exports", "Result", "exports"]
