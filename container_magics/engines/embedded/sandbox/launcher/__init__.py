"""The launcher: the one process that forks, so that the notebook's kernel never has to.

    kernel ──socket──► launcher ──fork──► supervisor (one a container) ──fork──► the command

It is exec'd once, from this directory, with nothing but the standard library (no site-packages,
so it starts in milliseconds), in a session of its own, which an interrupt of the kernel does not
reach. When its socket closes or the kernel dies, it kills everything it started and ends. Mounts
are made inside a mount namespace of the container, and end with it.

    main        the protocol, and the list of running containers
    supervisor  one container from fork to exit status, on any rung
    namespaces  the file system of a container on the rungs `root` and `oneuid`
    proot       the same on the rung `proot`
    trampoline  the first program under PRoot, in machine code
    program     which file a command names
    probe       what a rung must be able to do
    filters     seccomp programs
    inroot      paths resolved inside a root that nobody trusts
    accounts    users and groups of an image
    kernel      system calls that Python lacks
"""
