"""`docker build`, and the cell that is a Dockerfile.

    build ──► flags, arguments   the command line ──options, outputs──► a BuildRequest
      ├─────► context            where the context and the Dockerfile come from
      └─────► check              `--check`: advice, and no build

The engines know values alone, and nothing of how they are written.
"""
