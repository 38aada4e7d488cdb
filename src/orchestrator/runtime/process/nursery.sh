#!/bin/sh
# nursery.sh DESCRIPTORS FOLDER MKFIFO NSENTER BWRAP VIEW SHELL GATE SECCOMP IP KEEPER: a small process that starts sandboxes, one after the other, in
# the control groups that it stands in itself. To fork the orchestrator costs more than a whole sandbox; to fork this costs next to
# nothing. VIEW is the launcher's mount namespace, SECCOMP the filter's file, IP what opens the loopback of the network that
# it stands in, when that is its own; "-" is none. SHELL and GATE become a program that is alone in its sandbox, KEEPER is the shell
# of a sandbox that serves several (both as they are inside). DESCRIPTORS, separated by commas, were inherited by mistake and are closed (dash cannot close those
# above 9: the caller takes bash when there are any).
#
# It reads orders, a line each, and says `ended CODE` when what it has started has gone. UID "-" stays who we are, NETWORK "-" stays in the
# network that we stand in; the rest are numbers of named pipes.
#   run OUT ERR TELL GO UID GID NETWORK BLOCKS    one program
#   sandbox ERR TELL ORDERS UID GID NETWORK       a sandbox whose gate takes one order after the other (see `gate-orders.ts`)
#
# It ends with its orchestrator (PR_SET_PDEATHSIG), and bubblewrap with it; but one whose parent is killed while it makes its first
# process leaves that one waiting for ever. So somebody else of the process group waits for the end of descriptor 3, which is the
# orchestrator's, and ends the whole group. Until then it makes the named pipes FIRST to LAST for each line that comes there.
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
keeper=$2
[ "$1" = - ] || "$1" link set lo up
set --
unset PWD OLDPWD SHLVL
# The kernel, out of a group's memory, shall take what runs and not what starts it.
read -r adjust </proc/self/oom_score_adj
{ echo -1000 >/proc/self/oom_score_adj; } 2>/dev/null

(
  while read -r first last <&3; do
    set --
    while [ "$first" -le "$last" ]; do
      set -- "$@" "$folder/$first"
      first=$((first + 1))
    done
    # A program may open its own output by name, whoever it is; nobody else comes into this folder.
    "$mkfifo" -m 666 "$@" && echo made
  done
  kill -KILL 0
) &
exec 3<&-

# UID GID NETWORK COMMAND…: becomes a sandbox with that command.
become() {
  uid=$1
  gid=$2
  network=$3
  shift 3
  { echo "$adjust" >/proc/self/oom_score_adj; } 2>/dev/null
  [ "$seccomp" = - ] || exec 6<"$seccomp"
  set -- "$bwrap" --args 4 --info-fd 5 -- "$@"
  if [ "$uid" != - ]; then
    set -- --setuid "$uid" --setgid "$gid" -- "$@"
    [ "$network" = - ] || set -- "--net=$network" "$@"
    [ "$view" = - ] || set -- "--mount=$view" "$@"
    set -- "$nsenter" "$@"
  fi
  exec "$@"
}

while read -r order a b c d e f g h; do
  case $order in
  run)
    (
      exec </dev/null >"$folder/$a" 2>"$folder/$b" 3<"$folder/$d" 4<"$folder/arguments" 5>"$folder/$c" 7>&5
      become "$e" "$f" "$g" "$shell" "$gate" "$h"
    )
    echo "ended $?"
    ;;
  sandbox)
    (
      # The gate opens the output of what it runs in this folder, which it has no path to. Its orders come from standard input: to open them
      # by a name of its own would wait for ever once nobody is left who gives any.
      exec <"$folder/$c" >/dev/null 2>"$folder/$a" 4<"$folder/arguments" 5>"$folder/$b" 7>&5 9<"$folder"
      become "$d" "$e" "$f" "$keeper" -s
    )
    echo "ended $?"
    ;;
  esac
done
kill -KILL 0
