"""Owners that the files of one user can't have, as the listener's answers have them.

    emulation     what each call does
      making        calls that make files
      credentials   calls that change who a process is
    identity      who a process is
    owning        files with recorded owners
    ledger        the records
    status        struct stat, struct statx

The files stay the user's; what their owners should be ends up in the layer.
"""
