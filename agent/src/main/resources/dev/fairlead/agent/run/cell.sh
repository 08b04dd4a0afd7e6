# SPDX-License-Identifier: Apache-2.0
# First process of a run's namespaces; a root with all rights inside them, which the algorithm never
# gets. Builds the file tree that the algorithm sees, gives up all rights, starts it, waits for it.
#   $1 busybox   $2 where the tree is built   $3 the working directory   $4 the program that filters
#   system calls   $5 number of user and group   $6 the most processes   $7 what the tree shows
#   read-only, joined by ':'   $8… the command
set -eu
bb=$1 root=$2 work=$3 confine=$4 user=$5 processes=$6 shown=$7
shift 7

$bb mount -t tmpfs -o size=1m,mode=755,nosuid,nodev cell "$root"
$bb mkdir "$root/dev" "$root/etc" "$root/proc" "$root/tmp" "$root/work"
IFS=:
for path in $shown; do
  [ -e "$path" ] || continue
  $bb mkdir -p "$root$path"
  $bb mount --bind "$path" "$root$path"
  $bb mount -o remount,bind,ro,nosuid,nodev "$root$path"
done
unset IFS
for device in null zero full random urandom; do
  : > "$root/dev/$device"
  $bb mount --bind "/dev/$device" "$root/dev/$device"
done
: > "$root/confine"
$bb mount --bind "$confine" "$root/confine"
$bb mount -t proc -o ro,nosuid,nodev,noexec,hidepid=2 proc "$root/proc"
# The kernel command line may hold the credential, and is everyone's to read.
$bb mount --bind /dev/null "$root/proc/cmdline"
$bb mount --bind "$work" "$root/work"
echo "algorithm:x:$user:$user::/work:/bin/sh" > "$root/etc/passwd"
echo "algorithm:x:$user:" > "$root/etc/group"
$bb mount -o remount,ro "$root"

ulimit -c 0
ulimit -n 1024
ulimit -u "$processes"
code=0
$bb chroot "$root" "$bb" setpriv --nnp /confine "$bb" su -m -s /bin/sh algorithm \
  -c 'cd /work && exec "$0" "$@"' "$@" || code=$?
exit "$code"
