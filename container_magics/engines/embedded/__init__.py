"""The engine that needs no daemon: it builds and runs OCI images in the user's own store.

    engine ──► builder ──► steps ──► run_step, copy_step ──► store
       │                                │
       ├──► containers ──► running ─────┴──► sandbox (a launcher process), snapshots
       └──► archives, pulling, removal ──► store (database, session, cache, container_records)

Everything on disk is the store's; everything that forks is the launcher's.
"""
