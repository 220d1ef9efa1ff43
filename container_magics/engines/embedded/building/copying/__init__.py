"""COPY and ADD: from what they name to the entries of a layer.

    copy_step ──► found          sources in the context, a stage or an image
        │           ├── selection    --parents, --exclude
        │           └── adding       ADD's URLs, git repositories and archives
        └───────► layout ──► layer_plan    where they go: entries, parents first
                    └── ownership, modes   --chown and --chmod

Nothing is mounted and nothing is copied into a file system: a layer is computed.
"""
