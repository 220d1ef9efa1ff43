"""The engine that needs no daemon: it builds and runs OCI images in the user's own store.

    engine ──► building                            a Dockerfile to an image
       │          │
       ├──► containers ──► running ──► sandbox     (a launcher process)
       │                      └──────► snapshots   root file systems, made of layers
       ├──► images, archives                       pulled, removed; saved, loaded
       ├──► layer_contents                         what layers hold, for views
       └──► storage                                images, layers and the build cache on disk

Everything on disk is the store's; everything that forks is the launcher's. The launcher's own
modules (sandbox/launcher) know nothing of the rest, and so may be used by all of it.
"""
