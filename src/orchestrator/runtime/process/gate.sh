#!/bin/sh
# gate.sh DESCRIPTORS BLOCKS COMMAND…: the first program of a sandbox. It says that the sandbox stands, waits until the
# orchestrator has recorded and limited it, and becomes COMMAND. The end of descriptor 3 instead of an answer means that the
# orchestrator has died: then nothing starts. DESCRIPTORS, separated by commas, were inherited by mistake and are closed
# (dash cannot close those above 9: the caller takes bash when there are any); "-" is none. No file may grow beyond BLOCKS of
# 512 bytes. Its own variables have names that no site's variables have.
_b_descriptors=$1
_b_blocks=$2
shift 2
if [ "$_b_descriptors" != - ]; then
  # Otherwise bash counts in blocks of 1024 bytes.
  set -o posix
  IFS=,
  for _b_number in $_b_descriptors; do eval "exec $_b_number>&-"; done
  unset IFS
fi
ulimit -c 0
ulimit -f "$_b_blocks"
echo ready >&3
read -r _b_go <&3 || exit 1
unset _b_descriptors _b_blocks _b_number _b_go SHLVL
exec "$@" 3>&-
