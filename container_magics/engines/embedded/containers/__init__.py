"""Containers of the embedded engine: what a client does about them.

lifecycle ──► description   what one is asked to be ⇄ what inspect shows ⇄ what is run
│    └───► support       what a rung cannot do, by name
├──► asking                         what one that runs is told: stop, kill, pause, wait
├──► streaming, terminals, logs     what goes in and comes out
├──► watching                       processes, and what they use
├──► files                          what they have changed
├──► copying                        files that go in, and out
└──► shims (sandbox)                each container's own process

clearing    what a shim runs when a container goes by itself
volumes     directories that outlive containers
"""
