# SPDX-License-Identifier: Apache-2.0
# Brings the guest up and runs the agent. How it ends is a message to whoever watches from outside:
#   the agent ends with 0, or was asked to by the power button: the guest powers off
#   anything else: this script ends, the kernel panics, and pvpanic tells it from a good end
# Runs under busybox sh with a cleared environment.
set -f
busybox echo 'fairlead: guest alive'

say() { echo "fairlead: $*" >&2; }
die() { say "$*"; exit 70; }

/bin/busybox --install -s /bin
umask 022

mount -t proc -o nosuid,nodev,noexec,hidepid=2 proc /proc || die 'cannot mount /proc'
mount -t sysfs -o nosuid,nodev,noexec sys /sys || die 'cannot mount /sys'
mount -t devtmpfs -o nosuid dev /dev || die 'cannot mount /dev'
mount -t tmpfs -o nosuid,nodev,mode=755 run /run
mount -t tmpfs -o nosuid,nodev,mode=1777,size=25% tmp /tmp
mount -t tmpfs -o nosuid,nodev,mode=711,size=60% work /work
mkdir -p /dev/shm /run/fairlead
ln -s /proc/self/fd /dev/fd

# What the kernel was told may hold a secret (channel cmdline): root's alone from here on.
chmod 0400 /proc/cmdline
tune() { [ ! -e "/proc/sys/$1" ] || echo "$2" > "/proc/sys/$1"; }
tune kernel/dmesg_restrict 1
tune kernel/kptr_restrict 2
tune kernel/unprivileged_bpf_disabled 1
tune kernel/yama/ptrace_scope 2
for f in all default; do tune net/ipv6/conf/$f/disable_ipv6 1; done
tune user/max_user_namespaces 0

# Groups below this one may be limited in memory, processes and processor time.
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 /sys/fs/cgroup || die 'cannot mount cgroup2'
for controller in memory pids cpu; do
  echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control || say "no cgroup controller $controller"
done
mkdir /sys/fs/cgroup/algorithm
for controller in memory pids cpu; do
  echo "+$controller" > /sys/fs/cgroup/algorithm/cgroup.subtree_control
done
echo 20 > /sys/fs/cgroup/algorithm/cpu.weight

while read -r module; do
  insmod "/lib/modules/$module.ko" || say "insmod $module failed"
done < /lib/modules/order

# The network is one link to the host that leads to what the host forwards, and nowhere else.
hostname guest
ip link set lo up
ip link set eth0 up && ip addr add 10.0.2.15/24 dev eth0 || say 'no network device'

# fairlead.hosts=<name>:<ip>[,<name>:<ip>…]; anything else in it is skipped, and said.
hosts() {
  for word in $(cat /proc/cmdline); do
    case $word in
      fairlead.hosts=*) echo "${word#fairlead.hosts=}" | tr ',' '\n' ;;
      --) break ;;
    esac
  done
}
hosts | while IFS=: read -r name address; do
  case $name in '' | *[!A-Za-z0-9.-]*) say 'skipped a bad name in fairlead.hosts'; continue ;; esac
  case $address in '' | *[!0-9.]*) say "skipped a bad address in fairlead.hosts for $name"; continue ;; esac
  echo "$address $name"
done >> /etc/hosts

secret=/sys/firmware/qemu_fw_cfg/by_name/opt/fairlead/credential/raw
if [ -r $secret ] && [ ! -e /fairlead/credential ]; then
  (umask 0377; cat $secret > /fairlead/credential)
fi

# The power button: the agent is asked to end, and the guest powers off.
acpid -l /dev/null -p /run/acpid.pid || say 'no acpid'

cd /work
# Each line of these files is one argument. QEMU names the processor that it emulates.
set --
if grep -q '^model name.*TCG' /proc/cpuinfo; then
  while read -r option; do set -- "$@" "$option"; done < /fairlead/java.emulated
fi
while read -r option; do set -- "$@" "$option"; done < /fairlead/java.options
say 'starting the agent'
env -i PATH=/bin HOME=/root LANG=C.UTF-8 FAIRLEAD_WORK=/work \
  /opt/jre/bin/java "$@" < /dev/null &
agent=$!
echo $agent > /run/fairlead/agent.pid
wait $agent
code=$?
say "the agent ended with code $code"
[ ! -e /run/fairlead/powerdown ] || code=0
[ $code -eq 0 ] || exit $code
sync
poweroff -f
sleep 60
