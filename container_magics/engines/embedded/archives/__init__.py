"""Images and file systems as tar archives, in and out of a store.

save ◄── saving        images as one archive: docker's form and an OCI layout at once
load ──► loading       either form, with spool, the random access to an archive's members
import_image           one file system as a plain tar: rootfs
"""

from .loading import load
from .rootfs import import_image
from .saving import save

__all__ = ["import_image", "load", "save"]
