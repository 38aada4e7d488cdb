#!/bin/sh
# Runs Node in a network namespace of its own: a loopback, and one more address that stands for the machine's (RFC 5737), behind which is nothing.
# `own-network.ts` puts it in the place of Node.
exec unshare --net -- sh -ec '
  ip link set lo up
  ip link add machine type veth peer name beyond
  ip addr add 192.0.2.10/24 dev machine
  ip link set machine up
  ip link set beyond up
  ip route add default via 192.0.2.1
  exec "$@"' sh "$BACKLOT_TEST_NODE" "$@"
