#!/bin/sh
# A configuration file is served; a subcommand is the registry's; all else is a command.
case "$1" in
    *.yml|*.yaml) set -- registry serve "$@" ;;
    serve|garbage-collect|help|-*) set -- registry "$@" ;;
esac
exec "$@"
