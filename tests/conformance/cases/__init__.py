"""All cases, by what they are about."""

from . import adding, configuration, copying, failing, stages, working

CASES = [
    *stages.CASES,
    *configuration.CASES,
    *working.CASES,
    *copying.CASES,
    *adding.CASES,
    *failing.CASES,
]
