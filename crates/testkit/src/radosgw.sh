#!/bin/sh
# A private Ceph cluster of one monitor and one OSD for the tests of this machine, and its own end: started by the first
# test that needs it, stopped when no test has held FOLDER/use.lock for a while.
# usage: radosgw.sh FOLDER MON_PORT_V2 MON_PORT_V1
# The caller holds FOLDER/start.lock until FOLDER/run/ready or FOLDER/run/failed is there.
set -u
folder=$1
run=$folder/run
rm -rf "$run"
mkdir -p "$run/mon" "$run/osd"
exec >>"$run/keeper.log" 2>&1
echo $$ >"$run/keeper.pid"

cat >"$run/ceph.conf" <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = [v2:127.0.0.1:$2/0,v1:127.0.0.1:$3/0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
osd heartbeat addr = 127.0.0.1
public network = 127.0.0.0/8
keyring = $run/keyring
mon data = $run/mon
osd data = $run/osd
run dir = $run
crash dir = $run
admin socket = $run/\$name.\$pid.asok
pid file =
log file = $run/\$name.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = bluestore
osd memory target = 1073741824
osd max object name len = 1024
bluestore block create = true
bluestore block size = 32212254720
bluestore cache autotune = false
mon allow pool size one = true
mon data avail crit = 1
mon tick interval = 1
paxos propose interval = 0.05
paxos min wait = 0.01
# A gateway that was killed is waited for by every change of a bucket until its watch times out.
osd client watch timeout = 3
client notify timeout = 1
rgw relaxed s3 bucket names = true
rgw enable usage log = false
rgw thread pool size = 32
CONF
CEPH_CONF=$run/ceph.conf
export CEPH_CONF

monitor=
osd=
stop() {
    # Gateways go with their tests, unless those were killed. An id may have gone to somebody else by now.
    for process in $(cat "$run/gateways" 2>/dev/null); do
        grep -qF "$run/keyring" "/proc/$process/cmdline" 2>/dev/null && kill -9 "$process"
    done
    for process in $osd $monitor; do
        kill -9 "$process"
        wait "$process"
    done
    rm -rf "$run"
}
failed() {
    tail -n 20 "$run"/*.log >"$folder/failed" 2>/dev/null
    echo "$1" >>"$folder/failed"
    stop
    exit 1
}

fsid=$(sed -n 's/^fsid = //p' "$CEPH_CONF")
ceph-authtool --create-keyring "$run/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' &&
    ceph-authtool --create-keyring "$run/mon.keyring" --gen-key -n mon. --cap mon 'allow *' &&
    ceph-authtool "$run/mon.keyring" --import-keyring "$run/keyring" &&
    monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$2,v1:127.0.0.1:$3]" "$run/monmap" &&
    ceph-mon --mkfs -i a --monmap "$run/monmap" --keyring "$run/mon.keyring" || failed "the monitor could not be set up"
ceph-mon -i a -f &
monitor=$!
uuid=$(cat /proc/sys/kernel/random/uuid)
ceph --connect-timeout 30 osd new "$uuid" &&
    ceph auth get-or-create osd.0 mon 'allow profile osd' osd 'allow *' >"$run/osd/keyring" &&
    ceph-osd -i 0 --mkfs --osd-uuid "$uuid" --keyring "$run/osd/keyring" || failed "the OSD could not be set up"
ceph-osd -i 0 -f --keyring "$run/osd/keyring" &
osd=$!
echo "$monitor $osd" >"$run/pids"
# Neither is a secret: the cluster listens on loopback alone and is gone with the tests.
timeout 120 radosgw-admin user create --uid=mart --display-name=mart --access-key=MARTACCESSKEY --secret-key=mart-secret-key &&
    timeout 120 radosgw-admin user create --uid=guest --display-name=guest --access-key=GUESTACCESSKEY \
        --secret-key=guest-secret-key || failed "the users could not be made"
touch "$run/ready"

idle=0
while [ "$idle" -lt 15 ]; do
    sleep 1
    if flock --nonblock --exclusive "$folder/use.lock" true; then
        idle=$((idle + 1))
    else
        idle=0
    fi
    # Between two tests: nobody may come in while the cluster goes, so the last look is under the lock of starters.
    if [ "$idle" -eq 15 ]; then
        exec 9>"$folder/start.lock"
        if ! flock --nonblock --exclusive 9 || ! flock --nonblock --exclusive "$folder/use.lock" true; then
            exec 9>&-
            idle=0
        fi
    fi
done
stop
