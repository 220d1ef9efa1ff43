"""RUN --mount: from what is written to what the container is shown.

    run_mounts ──► mount_sources   the context, a stage, an image
        ├────────► cache_mounts    directories that outlive the build
        ├────────► build_secrets   --secret
        └────────► ssh_agent       --ssh

What is mounted is in no layer.
"""
