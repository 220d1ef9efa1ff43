"""A process in a container that gives out files, or takes them in, as `docker cp` asks.

    client ◄──pipes──► the process, forked like a command of the container

It is a fork of the supervisor that stays a Python program: in the container's namespaces, and
where there are none, with a listener's answers. So it sees what is mounted, and the owners that
files have for the container. A container that does not run is mounted for it alone.

serving    one request, and its answer
unpacking  files come in
packing    files go out
paths      as the container sees them
messages   what goes over the pipes
"""
