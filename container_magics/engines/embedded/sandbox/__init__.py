"""Running a container's processes: the rungs of isolation, and the launcher that forks.

    rungs     which rung works here, by trying
      attempts  how each is tried
      remedies  how to get one that does not work
      limits    what each cannot do
    client    the kernel's side of the launcher
    launcher  the process that forks (see there)

The kernel's own process never forks: it has threads, and may hold gigabytes.
"""
