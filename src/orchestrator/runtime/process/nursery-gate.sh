#!/bin/sh
# nursery-gate.sh BLOCKS: the first program of a sandbox that a nursery has started (see `gate.sh`, which does the same for others).
# It says at descriptor 7 that the sandbox stands, reads at descriptor 3 what to become and becomes it: the number of words, then of
# each word the number of its lines and these. The end of descriptor 3 instead means that the orchestrator has died. Its own
# variables have names that no site's variables have.
_b_blocks=$1
shift
ulimit -c 0
ulimit -f "$_b_blocks"
echo ready >&7
read -r _b_count <&3 || exit 1
_b_newline='
'
while [ "$_b_count" -gt 0 ]; do
  read -r _b_lines <&3 || exit 1
  IFS= read -r _b_word <&3 || exit 1
  while [ "$_b_lines" -gt 1 ]; do
    IFS= read -r _b_line <&3 || exit 1
    _b_word=$_b_word$_b_newline$_b_line
    _b_lines=$((_b_lines - 1))
  done
  set -- "$@" "$_b_word"
  _b_count=$((_b_count - 1))
done
unset _b_blocks _b_count _b_newline _b_lines _b_line _b_word SHLVL
exec "$@" 3>&- 5>&- 7>&-
