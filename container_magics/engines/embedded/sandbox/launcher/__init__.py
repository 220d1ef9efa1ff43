"""The launcher: the one process that forks, so that the notebook's kernel never has to.

    kernel ──socket──► launcher ──fork──► supervisor (one a RUN) ──fork──► the command
                          └─────fork──► shim (one a container) ──fork──► supervisor ──fork──► …

It is exec'd once, from this directory, with nothing but the standard library (no site-packages,
so it starts in milliseconds), in a session of its own, which an interrupt of the kernel does not
reach. When its socket closes or the kernel dies, it kills the supervisors it started and ends; a
shim is nobody's child and stays with its container. Mounts are made inside a mount namespace of the
container, and end with it.

    start       starts main or deputy, for the kernel's process
    main        the protocol, and the list of running containers
      forking     what a child does first that stays a Python program
    shim        (a package) the process that stays with a container
    supervisor  one run of a container from fork to exit status, on any rung
    entering    from a fork of the supervisor to the command
    copying     (a package) files that go out of a container, or come in
    namespaces  the file system of a container on the rungs `root`, `subuid` and `oneuid`
      mapping     a user namespace with sub-UIDs
    chroot      the same on the rung `chroot`
    proot       the same on the rung `proot`
    trampoline  the first program under PRoot, in machine code
    program     which file a command names
    probe       what a rung must be able to do
    filters     seccomp programs
      calls     system calls by number
    limits      resource limits
    cgroups     limits of memory, processors and processes
    listening   (a package) a process that answers system calls: published ports, and owners
    owners      (a package) gives the files of one user the owners that the image shall have
    deputy      another process: root over the files of sub-UIDs, for the kernel's
    files       directories walked, copied, removed
    inroot      paths resolved inside a root that nobody trusts
    accounts    users and groups of an image
    kernel      system calls that Python lacks
"""
