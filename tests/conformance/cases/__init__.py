"""All cases, section by section as the Dockerfile reference goes."""

from . import (
    add,
    add_flags,
    add_git,
    add_members,
    add_remote,
    arg,
    cmd,
    copy,
    copy_destination,
    copy_from,
    copy_link,
    copy_owner,
    copy_parents,
    copy_unusual,
    directives,
    dockerignore,
    env,
    expose,
    format,
    forms,
    from_,
    healthcheck,
    heredoc,
    label,
    onbuild,
    options,
    replacement,
    run,
    run_files,
    run_mount,
    run_sandbox,
    shell,
    stopsignal,
    user,
    volume,
    workdir,
)
from .headings import HEADINGS

__all__ = ["CASES", "HEADINGS"]

CASES = [
    case
    for module in (
        format, directives, replacement, dockerignore, forms, from_, run, run_files,
        run_mount, run_sandbox, cmd, label, expose, env, add, add_members, add_remote,
        add_git, add_flags, copy, copy_unusual, copy_destination, copy_from, copy_owner,
        copy_link, copy_parents, volume, user, workdir, arg, onbuild, stopsignal,
        healthcheck, shell, heredoc, options,
    )
    for case in module.CASES
]  # fmt: skip
