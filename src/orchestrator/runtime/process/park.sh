#!/bin/sh
# park.sh: a launcher that was started ahead of time. It waits at descriptor 3 for a command, as its number of words and then a
# word a line, and becomes it. The end of descriptor 3 means that the orchestrator has died or wants it no more.
read -r count <&3 || exit 0
set --
while [ "$count" -gt 0 ]; do
  IFS= read -r word <&3 || exit 0
  set -- "$@" "$word"
  count=$((count - 1))
done
unset count word PWD OLDPWD SHLVL
exec "$@"
