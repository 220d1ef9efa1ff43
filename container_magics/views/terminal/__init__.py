"""A terminal in an output: `view` is the value, `html` its static form, `terminal.js` its live one.

    Terminal ── read ──► stream ── parts ──► terminal.js (xterm.js)
        ▲                   ▲                  │
        │                   └── how far it is ─┤
        └─────── typed, resized, closed ───────┘

stream     output on its way to the front end, at the pace of its drawing
xterm      xterm.js, which the build put into `vendor` (`hatch_build.py`)
"""
