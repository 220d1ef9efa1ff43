"""Engines behind one protocol, the contexts that name them, and which one answers here.

    discovery ──► contexts, context_store
        │
        └──► base.Engine ◄── docker, embedded ──► sources, planning, proxies, excerpts, crew
               │
               ├──► build_request, run_request                what a verb is asked
               ├──► events                                    what it says while it works
               └──► results; images, containers, contents     what it answers with

`follow` runs a verb for the thread that displays. Values know no engine; engines share what is to
the right of them.
"""
