"""OCI images as data: no engine, no notebook.

    models, platforms, digests   descriptors, manifests, indexes, read from untrusted bytes
    entries                      files as a layer describes them
    tar, members ──► split       headers written and read; a layer's bytes but its content
    links ──► tree               the merged file system of layers, without a mount
    compression                  gzip, zstd, bzip2, xz and plain streams, in bounded memory

Nothing here imports an engine or a notebook.
"""
