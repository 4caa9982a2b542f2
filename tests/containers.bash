# shellcheck shell=bash
# containers: podman for a test, with a store of its own, and an image of the static
# busybox of Debian. Load it after lib.
#
# Without systemd and with few rights podman starts all the same: cgroups by hand, layers as plain copies, no
# network, limits that need no right to raise them, and runc, which knows hosts with cgroups of both kinds.
# What a run is to know of the store goes in by the job's env: $CONTAINER_ENV, as YAML.
#
#   containers_setup      once a file: makes store and image; $PODMAN_TROUBLE says why that cannot be
#   containers_are        the names of those that are there, running or not, one a line
#   containers_end        removes them all
#   containers_stop       likewise, and the store

containers_setup()
{
    local store applet root=$BATS_FILE_TMPDIR/root
    # a short name: podman waits long for the end of what it cannot name a socket for
    store=$(mktemp -d -p /tmp)
    mkdir -p "$root/bin"
    printf '[storage]\ndriver = "vfs"\nrunroot = "%s/run"\ngraphroot = "%s/graph"\n' \
        "$store" "$store" >"$store/storage.conf"
    cat >"$store/containers.conf" <<INI
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
tmp_dir = "$store/tmp"
INI
    export CONTAINERS_STORAGE_CONF=$store/storage.conf CONTAINERS_CONF=$store/containers.conf
    CONTAINER_ENV="CONTAINERS_STORAGE_CONF: $CONTAINERS_STORAGE_CONF, CONTAINERS_CONF: $CONTAINERS_CONF"
    cp /bin/busybox "$root/bin/busybox"
    for applet in sh cat sleep env id pwd touch true; do
        ln -s busybox "$root/bin/$applet"
    done
    PODMAN_TROUBLE=$({
        tar -C "$root" -c . | timeout 60 podman import -q -c 'ENV PATH=/bin' - tiny:1 &&
            timeout 60 podman run --rm --network none --log-driver none tiny:1 true
    } 2>&1 >/dev/null | tail -n 1)
    export CONTAINER_ENV PODMAN_TROUBLE
}

containers_are()
{
    timeout 60 podman ps -a --format '{{.Names}}' | sort
}

containers_end()
{
    timeout 60 podman rm -f -a >/dev/null
}

containers_stop()
{
    containers_end
    rm -rf "${CONTAINERS_STORAGE_CONF%/*}"
}
