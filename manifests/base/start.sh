#!/bin/sh
# Starts one broker of a KRaft cluster; the pod's ordinal is its node id.
#
# POD_NAME       kafka-0, kafka-1, …
# POD_NAMESPACE  the cluster id derives from it: applying the stack again must not change it
# BROKERS        how many there are; the first three are voters if there are three, else the first one alone
set -eu

id=${POD_NAME##*-}
brokers=${BROKERS:-1}
config=/etc/kapture-kafka/server.properties
data=/var/lib/kafka/data/log
host() { echo "kafka-$1.kafka-brokers"; }

# 16 characters are the 16 bytes of an id, in base64 without padding.
cluster=$(printf %s "$POD_NAMESPACE" | sha256sum | cut -c1-16 | tr -d '\n' | base64 | cut -c1-22)

voters=0@$(host 0):9093
replicas=1
[ "$brokers" -lt 2 ] || replicas=2
if [ "$brokers" -ge 3 ]; then
  voters=$voters,1@$(host 1):9093,2@$(host 2):9093
  replicas=3
fi

case ",$voters" in
  *",$id@"*) roles=broker,controller listeners=PLAINTEXT://:9092,CONTROLLER://:9093 ;;
  *) roles=broker listeners=PLAINTEXT://:9092 ;;
esac

# Topics are created by the Job `topics`; a misspelt name must fail rather than become a topic.
# Groups start with one member and others join within moments: a long wait for them only delays the first record.
cat >"$config" <<PROPERTIES
process.roles=$roles
node.id=$id
controller.quorum.voters=$voters
controller.listener.names=CONTROLLER
listeners=$listeners
advertised.listeners=PLAINTEXT://$(host "$id"):9092
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=$data
auto.create.topics.enable=false
default.replication.factor=$replicas
min.insync.replicas=$((replicas > 2 ? 2 : 1))
offsets.topic.replication.factor=$replicas
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$((replicas > 2 ? 2 : 1))
share.coordinator.state.topic.replication.factor=$replicas
share.coordinator.state.topic.min.isr=$((replicas > 2 ? 2 : 1))
group.initial.rebalance.delay.ms=200
log.retention.check.interval.ms=10000
PROPERTIES

export LOG_DIR=/tmp KAFKA_GC_LOG_OPTS=" "
# The official image carries class archives that make Java start faster.
archive() { [ ! -e "/opt/kafka/$1.jsa" ] || echo "-XX:SharedArchiveFile=/opt/kafka/$1.jsa"; }

# Formatting runs for a second: most of that would go into compiling and setting up a parallel collector.
# A container that was restarted finds what it had; a pod that was replaced has an empty disk and copies from the others.
[ -e "$data/meta.properties" ] ||
  KAFKA_HEAP_OPTS=-Xmx128m KAFKA_JVM_PERFORMANCE_OPTS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC $(archive storage)" \
    /opt/kafka/bin/kafka-storage.sh format --ignore-formatted --cluster-id "$cluster" --config "$config"

# Pods come back under the same name with another address: Java would keep names, found or not, for up to 30 s.
export KAFKA_OPTS="-Dsun.net.inetaddr.ttl=2 -Dsun.net.inetaddr.negative.ttl=0 $(archive kafka) ${KAFKA_OPTS:-}"
exec /opt/kafka/bin/kafka-server-start.sh "$config"
