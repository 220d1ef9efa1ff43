"""A live table of containers: `view`, static form `html`, live form `container_table.js`.

    engine ── once a second ──► rows ──► view ──► container_table.js
       ▲                                  │  ▲        │ buttons
       └──── actions, logs, shells ◄──────┘  └────────┘

rows       what is shown of a container
actions    start, stop, restart, remove, each in a thread of its own
logs       the last lines of a log, followed
shells     terminals of /bin/sh in containers
"""
