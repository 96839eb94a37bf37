#!/usr/bin/env bash
# What Spark's JVM is started with; sourced after setup.sh, which gives PYTHON, CACHE, jars and java_home.
export JAVA_HOME SPARK_HOME PYSPARK_PYTHON SPARK_LAUNCHER_OPTS SPARK_SUBMIT_OPTS SPARK_CONF_DIR
# Java wants its user to have a name (SPARK-43166); containers run as any uid, and may write this file.
id -un >/dev/null 2>&1 || echo "user:x:$(id -u):$(id -g)::/tmp:/bin/false" 2>/dev/null >>/etc/passwd || {
    echo "error: user $(id -u) has no name, which Java needs, and cannot be given one in /etc/passwd" >&2
    exit 78
}
JARS=$(jars "$ROOT/conf/spark/jars.sha256")
JAVA_HOME=$(java_home)
SPARK_HOME=$(dirname "$PYTHON")/../lib/python3.11/site-packages/pyspark
PYSPARK_PYTHON=$PYTHON
# Set to nothing it would be loopback to Java; without it Spark takes this machine's own address.
if [ -n "${SPARK_LOCAL_IP=127.0.0.1}" ]; then export SPARK_LOCAL_IP; else unset SPARK_LOCAL_IP; fi
SPARK_CONF_DIR=$CACHE/none # a folder that exists would stand on the class path, where no class archive may be made
LOGGING=-Dlog4j2.configurationFile=file:$ROOT/conf/spark/log4j2.properties
# C1 and the serial collector: half the CPU of the defaults on days up to about half a million rows. Beyond, C2 is worth
# its own cost, but for hot code only: its thresholds are four times the defaults.
SMALL="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
# Put behind SMALL, the last one counts.
LARGE="-XX:TieredStopAtLevel=4 -XX:Tier4InvocationThreshold=20000 -XX:Tier4MinInvocationThreshold=2400"
LARGE+=" -XX:Tier4CompileThreshold=60000 -XX:Tier4BackEdgeThreshold=160000"
# A heap in huge pages where the kernel gives them to who asks; where it does not, Java would complain.
! grep -qs '\[madvise\]' /sys/kernel/mm/transparent_hugepage/enabled || LARGE+=" -XX:+UseTransparentHugePages"
SPARK_LAUNCHER_OPTS="$SMALL -Xshare:auto"
# The classes of a representative run, mapped instead of loaded and verified; one a JRE, class path and machine.
ARCHIVE=$CACHE/classes-$(hash_of "$JAVA_HOME/release" <(echo "$JAVA_HOME:$SPARK_HOME:$JARS")).jsa
SPARK_SUBMIT_OPTS="$LOGGING ${CORETELECOMS_JVM:-$SMALL} ${SPARK_SUBMIT_OPTS:-}"
[ ! -e "$ARCHIVE" ] || SPARK_SUBMIT_OPTS="-XX:SharedArchiveFile=$ARCHIVE $SPARK_SUBMIT_OPTS"
export PYSPARK_SUBMIT_ARGS="--driver-class-path $JARS pyspark-shell" # for a session that Python starts itself
