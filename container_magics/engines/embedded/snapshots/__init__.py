"""Root file systems to work in, made of layers, and the layers that come out of them.

    base         the protocol: Snapshotter, Workspace
    overlay      by overlayfs
    trees        by whole trees of files, where overlayfs can't be mounted
      pool         which tree: leases, and how many stay
      materialise  making a tree what its layers say
      scan         what changed in a tree
      given        a tree that sub-UIDs own while a container uses it
      shown        a tree in which files were shown, and taken out again
    owners       owners and modes that one user's files can't hold
    skeleton     mount points and settings below every image
    kept         what a container that was kept has changed

A workspace is used once: its changes become a layer, are kept for a container, or dropped.
"""
