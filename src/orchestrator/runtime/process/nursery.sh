#!/bin/sh
# nursery.sh DESCRIPTORS FOLDER MKFIFO NSENTER BWRAP VIEW SHELL GATE SECCOMP IP: a small process that starts sandboxes, one after the other, in
# the control groups that it stands in itself. To fork the orchestrator costs more than a whole sandbox; to fork this costs next to
# nothing. VIEW is the launcher's mount namespace, SECCOMP the filter's file, IP what opens the loopback of the network that
# it stands in, when that is its own; "-" is none. DESCRIPTORS, separated by
# commas, were inherited by mistake and are closed (dash cannot close those above 9: the caller takes bash when there are any).
#
# It reads orders, a line each: `make FIRST LAST` makes the named pipes of so many runs, `run NUMBER UID GID NETWORK BLOCKS` starts
# one and says `ended CODE` when it has gone. UID "-" stays who we are, NETWORK "-" stays in the network that we stand in.
#
# It ends with its orchestrator (PR_SET_PDEATHSIG), and bubblewrap with it; but one whose parent is killed while it makes its first
# process leaves that one waiting for ever. So somebody else of the process group waits for the end of descriptor 3, which is the
# orchestrator's, and ends the whole group.
if [ "$1" != - ]; then
  IFS=,
  for number in $1; do eval "exec $number>&-"; done
  unset IFS
  shift
  # The smaller shell forks faster.
  exec /bin/sh "$0" - "$@"
fi
folder=$2
mkfifo=$3
nsenter=$4
bwrap=$5
view=$6
shell=$7
gate=$8
seccomp=$9
shift 9
[ "$1" = - ] || "$1" link set lo up
set --
unset PWD OLDPWD SHLVL
# The kernel, out of a group's memory, shall take what runs and not what starts it.
read -r adjust </proc/self/oom_score_adj
{ echo -1000 >/proc/self/oom_score_adj; } 2>/dev/null

(
  while read -r _ <&3; do :; done
  kill -KILL 0
) >/dev/null &
exec 3<&-

while read -r order number a b c d; do
  case $order in
  make)
    set --
    while [ "$number" -le "$a" ]; do
      set -- "$@" "$folder/$number-out" "$folder/$number-err" "$folder/$number-tell" "$folder/$number-go"
      number=$((number + 1))
    done
    # A program may open its own output by name, whoever it is; nobody else comes into this folder.
    "$mkfifo" -m 666 "$@" && echo made
    set --
    ;;
  run)
    (
      exec </dev/null >"$folder/$number-out" 2>"$folder/$number-err" 3<"$folder/$number-go" 4<"$folder/arguments" 5>"$folder/$number-tell" 7>&5
      { echo "$adjust" >/proc/self/oom_score_adj; } 2>/dev/null
      [ "$seccomp" = - ] || exec 6<"$seccomp"
      set -- "$bwrap" --args 4 --info-fd 5 -- "$shell" "$gate" "$d"
      if [ "$a" != - ]; then
        set -- --setuid "$a" --setgid "$b" -- "$@"
        [ "$c" = - ] || set -- "--net=$c" "$@"
        [ "$view" = - ] || set -- "--mount=$view" "$@"
        set -- "$nsenter" "$@"
      fi
      exec "$@"
    )
    echo "ended $?"
    ;;
  esac
done
kill -KILL 0
