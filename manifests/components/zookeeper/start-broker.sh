#!/bin/sh
# Starts one broker of a Kafka cluster that keeps its metadata in ZooKeeper; the pod's ordinal is its id.
#
# POD_NAME    kafka-0, kafka-1, …
# BROKERS     how many there are
# ZOOKEEPERS  how many members the ensemble has
set -eu

id=${POD_NAME##*-}
brokers=${BROKERS:-1}
config=/etc/kapture-kafka/server.properties

ensemble=
member=0
while [ "$member" -lt "${ZOOKEEPERS:-1}" ]; do
  ensemble=$ensemble,zookeeper-$member.zookeeper:2181
  member=$((member + 1))
done
replicas=$((brokers < 3 ? brokers : 3))
insync=$((replicas > 2 ? 2 : 1))

# Topics are created by the Job `topics`; a misspelt name must fail rather than become a topic.
# Groups start with one member and others join within moments: a long wait for them only delays the first record.
# A broker that was killed may register again only when its last session is over.
cat >"$config" <<PROPERTIES
broker.id=$id
zookeeper.connect=${ensemble#,}
zookeeper.connection.timeout.ms=60000
zookeeper.session.timeout.ms=6000
listeners=PLAINTEXT://:9092
advertised.listeners=PLAINTEXT://kafka-$id.kafka-brokers:9092
log.dirs=/var/lib/kafka/data/log
auto.create.topics.enable=false
default.replication.factor=$replicas
min.insync.replicas=$insync
offsets.topic.replication.factor=$replicas
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$insync
group.initial.rebalance.delay.ms=200
log.retention.check.interval.ms=10000
PROPERTIES

export LOG_DIR=/tmp KAFKA_GC_LOG_OPTS=" "
# Pods come back under the same name with another address: Java would keep names, found or not, for up to 30 s.
export KAFKA_OPTS="-Dsun.net.inetaddr.ttl=2 -Dsun.net.inetaddr.negative.ttl=0 ${KAFKA_OPTS:-}"
exec /opt/kafka/bin/kafka-server-start.sh "$config"
