"""Containers, volumes and networks of a Docker or Podman engine.

    verbs.ContainerVerbs ──► creating                  RunRequest → the API's JSON
            │                foreground, executing,
            │                terminals ──► streaming   streams of a process, its exit status
            ├──► lifecycle, logs, watching, copying, committing, resources
            └──► listing                               JSON of the API → values

`calls` are the calls of the API that the SDK lacks. Importing this package imports neither
`docker` nor `requests`.
"""
