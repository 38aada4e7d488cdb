#!/bin/sh
# gate.sh DESCRIPTORS BLOCKS COMMAND…: the first program of a sandbox. It says that the sandbox stands, waits until the
# orchestrator has recorded and limited it, and becomes COMMAND. The end of descriptor 3 instead of an answer means that the
# orchestrator has died: then nothing starts. DESCRIPTORS, separated by commas, were inherited by mistake and are closed
# (dash cannot close those above 9: the caller takes bash when there are any); "-" is none. No file may grow beyond BLOCKS of
# 512 bytes.
descriptors=$1
blocks=$2
shift 2
if [ "$descriptors" != - ]; then
  # Otherwise bash counts in blocks of 1024 bytes.
  set -o posix
  IFS=,
  for number in $descriptors; do eval "exec $number>&-"; done
  unset IFS
fi
ulimit -c 0
ulimit -f "$blocks"
echo ready >&3
read -r go <&3 || exit 1
unset descriptors blocks number go SHLVL
exec "$@" 3>&-
