"""A process beside a container that answers some of its system calls (seccomp_unotify(2)).

process       the process and its loop
notification  calls that wait
caller        the process that waits: its memory, its descriptors, the paths it names
ports         published ports: where a server really listens
owners        (a package) owners that the files of one user can't have
"""
