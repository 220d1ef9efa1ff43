#!/bin/sh
echo "$(id -u):$(id -g) in $(pwd), $*"
