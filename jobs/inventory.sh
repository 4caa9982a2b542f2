#!/bin/sh
# What this host is made of, as lines NAME,VALUE in the file of its argument: see inventory.yaml.
set -eu
{
    echo "kernel,$(uname -r)"
    echo "processors,$(getconf _NPROCESSORS_ONLN)"
    awk '/^MemTotal/ { print "memory_kb," $2 }' /proc/meminfo
    df -kP / | awk 'NR == 2 { print "root_free_kb," $4 }'
} >"$1"
