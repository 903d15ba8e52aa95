#!/bin/sh
# Starts one member of the ensemble.
#
# POD_NAME    zookeeper-0, zookeeper-1, …
# ZOOKEEPERS  how many there are
set -eu

id=${POD_NAME##*-}
config=/tmp/zoo.cfg
mkdir -p /data/zookeeper
echo $((id + 1)) >/data/zookeeper/myid # 0 is no id

# A member whose peers have no address yet, or a new one, must try again rather than give up.
cat >"$config" <<PROPERTIES
dataDir=/data/zookeeper
clientPort=2181
tickTime=1000
initLimit=30
syncLimit=10
maxClientCnxns=0
admin.enableServer=false
4lw.commands.whitelist=srvr
autopurge.purgeInterval=1
autopurge.snapRetainCount=3
PROPERTIES
if [ "${ZOOKEEPERS:-1}" -gt 1 ]; then
  # Its own name may not resolve when it starts.
  echo quorumListenOnAllIPs=true >>"$config"
  member=0
  while [ "$member" -lt "$ZOOKEEPERS" ]; do
    echo "server.$((member + 1))=zookeeper-$member.zookeeper:2888:3888" >>"$config"
    member=$((member + 1))
  done
fi

export ZOO_LOG_DIR=/tmp
# Pods come back under the same name with another address: Java would keep names, found or not, for up to 30 s.
export JVMFLAGS="-Dsun.net.inetaddr.ttl=2 -Dsun.net.inetaddr.negative.ttl=0 ${JVMFLAGS:-}"
exec zkServer.sh start-foreground "$config"
