"""The shim: the process that stays with one container, whoever started it.

    launcher ──fork──► shim ──fork──► supervisor (one a run) ──fork──► the container's processes
                        ▲
        clients ──socket in the container's directory

It outlives the kernel and the notebook server. It keeps what the container writes, runs its health
check, applies its restart policy, hands further commands to the supervisor, and keeps a record of
the state for whoever looks. When it ends, its supervisor and all that runs in the container end
with it.

    main         the loop: what is asked, what happens, what is due
    container    one container's run, from start to end, and the state that follows
    journal      the log, in the form of Docker's json-file
    attachments  clients that see the output as it comes, and type
    health       the health check
    policy       when a container is started again
    relay        a further port of the host for one of the container
    record       the state, as a file
"""
