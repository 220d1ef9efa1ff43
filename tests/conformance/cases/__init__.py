"""All cases, by what they are about."""

from . import (
    adding,
    configuration,
    copying,
    corners_add,
    corners_config,
    corners_copy,
    corners_run,
    failing,
    stages,
    working,
)

REMOTE = adding.REMOTE

CASES = [
    *stages.CASES,
    *configuration.CASES,
    *working.CASES,
    *copying.CASES,
    *adding.CASES,
    *failing.CASES,
    *corners_config.CASES,
    *corners_run.CASES,
    *corners_copy.CASES,
    *corners_add.CASES,
]
