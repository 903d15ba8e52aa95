#!/bin/sh
# Starts one of several Redis servers ("server"), or the Sentinel beside it ("sentinel").
#
# POD_NAME, POD_NAMESPACE  make the name that servers, Sentinels and clients know it by: addresses change with the pod
# REDIS_COUNT              how many servers there are, each with a Sentinel
# REDIS_PASSWORD           of servers and Sentinels
set -eu

name() { echo "$1.redis.$POD_NAMESPACE.svc"; }
me=$(name "$POD_NAME")
export REDISCLI_AUTH="$REDIS_PASSWORD"

# What the Sentinels answer to a command; nothing if none does. Its own is asked last: after a start it knows least.
ask() {
  ordinals=$(seq 0 $((REDIS_COUNT - 1)) | grep -vx "${POD_NAME##*-}")
  for ordinal in $ordinals "${POD_NAME##*-}"; do
    answer=$(timeout 2 redis-cli -h "$(name "redis-$ordinal")" -p 26379 --raw sentinel "$@" kapture 2>/dev/null) || continue
    case $answer in *".redis.$POD_NAMESPACE.svc"*) echo "$answer" && return ;; esac
  done
}

primary() { ask get-master-addr-by-name | head -n 1; }

# Without a Sentinel that knows better, as at the very first start, it is the first server.
known_primary() {
  for _ in 1 2 3; do
    found=$(primary)
    [ -z "$found" ] || break
    sleep 1
  done
  echo "${found:-$(name redis-0)}"
}

replicas() { ask master | grep -A 1 -x num-slaves | tail -n 1; }

server() {
  primary=$(known_primary)
  # A primary that came back without its data would have the replicas forget theirs: one of them shall be it first.
  for _ in $(seq 60); do
    [ "$primary" = "$me" ] && [ ! -e /data/appendonlydir ] && [ "$(replicas)" -gt 0 ] 2>/dev/null || break
    sleep 1
    primary=$(known_primary)
  done
  set -- /etc/redis/redis.conf --requirepass "$REDIS_PASSWORD" --masterauth "$REDIS_PASSWORD" --replica-announce-ip "$me"
  [ "$primary" = "$me" ] || set -- "$@" --replicaof "$primary" 6379
  exec redis-server "$@"
}

# It remembers in its file what it learns, and which of the Sentinels it is: a new one each time would make it seem that
# more and more of them are away.
sentinel() {
  config=/data/sentinel.conf
  primary=$(known_primary)
  until getent hosts "$primary" >/dev/null; do
    sleep 1
    primary=$(known_primary)
  done
  [ -e "$config" ] || cat >"$config" <<CONFIG
port 26379
dir /data
protected-mode no
requirepass $REDIS_PASSWORD
sentinel sentinel-pass $REDIS_PASSWORD
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $me
sentinel myid $(printf %s "$me" | sha1sum | cut -c 1-40)
sentinel monitor kapture $primary 6379 $((REDIS_COUNT / 2 + 1))
sentinel auth-pass kapture $REDIS_PASSWORD
sentinel down-after-milliseconds kapture 5000
sentinel failover-timeout kapture 20000
CONFIG
  exec redis-server "$config" --sentinel
}

"$1"
