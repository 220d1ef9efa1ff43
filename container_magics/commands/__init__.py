"""The docker verbs: one module per family, each with its argument grammar and its action.

    words ──► dispatch.resolve ──► grammar.Arguments ──► Command.action(arguments, call) ──► value
                                                             │
                       Call: session (the engine), surface (where things show), standard input

Nothing in here knows a notebook from a terminal: what differs is the `Surface` in the `Call`.
"""
