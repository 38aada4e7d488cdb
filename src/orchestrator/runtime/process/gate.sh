#!/bin/sh
# gate.sh DESCRIPTORS COMMAND…: the first program of a sandbox. It says that the sandbox stands, waits until the
# orchestrator has recorded and limited it, and becomes COMMAND. The end of descriptor 3 instead of an answer means that the
# orchestrator has died: then nothing starts. DESCRIPTORS, separated by commas, were inherited by mistake and are closed
# (dash cannot close those above 9: the caller takes bash when there are any); "-" is none.
descriptors=$1
shift
if [ "$descriptors" != - ]; then
  IFS=,
  for number in $descriptors; do eval "exec $number>&-"; done
  unset IFS
fi
echo ready >&3
read -r go <&3 || exit 1
unset descriptors number go SHLVL
exec "$@" 3>&-
