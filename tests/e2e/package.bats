#!/usr/bin/env bats
# The Debian package: made, looked at, and really installed, upgraded and purged by dpkg, on this machine but in
# a mount namespace of its own where /usr, /etc and /var are overlays that vanish with it. Needs root.

load ../lib

setup_file()
{
    export DEBS=$BATS_FILE_TMPDIR/build
    # a package with symbols apart costs time, and nobody looks at it here
    DEB_BUILD_OPTIONS=noautodbgsym env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS \
        make -s -C "$ROTA_TOP" B="$DEBS" deb >"$BATS_FILE_TMPDIR/log" 2>&1 ||
        { tail -n 40 "$BATS_FILE_TMPDIR/log" && return 1; }
}

setup()
{
    rota_setup
    version=$(sed -n 's/^VERSION *= *//p' "$ROTA_TOP/Makefile")
    deb=$DEBS/rota_${version}_$(dpkg --print-architecture).deb
    export deb
}

# Runs the shell script on standard input where what it does to the system is not for long. In it
#
#   left      prints what is there now and was not before, apart from what dpkg itself and its triggers keep
sandbox()
{
    {
        cat <<'SH'
mount -t tmpfs tmpfs /mnt
mkdir /mnt/before
mount --bind / /mnt/before
for tree in usr etc var; do
    mkdir -p "/mnt/$tree/new" "/mnt/$tree/work"
    mount -t overlay -o "lowerdir=/$tree,upperdir=/mnt/$tree/new,workdir=/mnt/$tree/work" overlay "/$tree"
done
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive
left()
{
    for tree in usr etc var; do
        (cd "/mnt/$tree/new" && find . -mindepth 1 -printf '%P\n') | while read -r path; do
            [ -e "/mnt/before/$tree/$path" ] || [ -L "/mnt/before/$tree/$path" ] || echo "/$tree/$path"
        done
    done | grep -vE '^/var/(lib/dpkg|log|cache/man)(/|$)' || :
}
set -x # what it was at when it failed
SH
        cat
    } >"$BATS_TEST_TMPDIR/sandbox.sh"
    unshare --mount --propagation private bash -eu "$BATS_TEST_TMPDIR/sandbox.sh" </dev/null
}

# The same package as an earlier version, which had one file more, and less in another.
make_older()
{
    dpkg-deb -R "$deb" older
    sed -i 's/^Version: .*/Version: 0.0.9/' older/DEBIAN/control
    echo old >older/usr/share/rota/gone.yml
    echo old >older/usr/share/rota/rules.yml
    dpkg-deb -b --root-owner-group older older.deb >/dev/null
}

@test "the package is without fault for lintian" {
    run -0 timeout 120 lintian --allow-root --pedantic --display-info --fail-on error,warning \
        "${deb%.deb}.changes"
    [ -z "$output" ]
}

@test "version and dependencies are those of the Makefile" {
    [ "$(dpkg-deb -f "$deb" Version)" = "$version" ]
    run -0 dpkg-deb -f "$deb" Depends
    for name in openssh-client libc6 libsqlite3-0 libssh2-1 libyaml-0-2 libinih1; do
        [[ ", $output," =~ ,\ ${name}[\ ,] ]] || { echo "no $name in $output" && return 1; }
    done
    # what a build wants besides the compiler, which is there always
    sed -n 's/^DEPS_BUILD *= *gcc libc6-dev //p' "$ROTA_TOP/Makefile" | tr ' ' '\n' | sort >made_with
    sed -n '/^Build-Depends/,/^[A-Z]/s/^ \+\([^ ,]*\).*/\1/p' "$ROTA_TOP/.debian/control" | sort >declared
    diff made_with declared
}

@test "what protects programs reached the compiler and the linker" {
    dpkg-deb -x "$deb" tree
    for program in tree/usr/bin/rota tree/usr/libexec/rota/rota-{dispatch,monitor,doctor}; do
        run -0 readelf -hldW "$program"
        [[ $output == *'DYN (Position-Independent'* && $output == *GNU_RELRO* && $output == *'BIND_NOW'* ]]
        run -0 readelf -sW "$program"
        [[ $output == *__stack_chk_fail* && $output == *_chk@GLIBC* ]]
    done
    run -0 readelf -d tree/usr/libexec/rota/rota-worker
    [[ $output == *'no dynamic section'* ]]
}

@test "it installs, runs a job with what it installed, and purges without a trace" {
    sandbox <<'SH'
        dpkg -i "$deb"
        [ "$(command -v rota)" = /usr/bin/rota ]
        # the supervisor of the run is its parent
        id=$(rota submit -- sh -c 'readlink /proc/$PPID/exe')
        rota dispatch --wait "$id"
        [ "$(rota logs "$id")" = /usr/libexec/rota/rota-worker ]
        man -w rota rota-submit rota.ini >/dev/null
        cp /usr/share/doc/rota/examples/rota.ini "$HOME/rota.ini"
        [ "$(ROTA_CONFIG=$HOME/rota.ini rota hosts -o id)" = here ]
        # nothing is enabled by itself
        [ -z "$(left | grep ^/etc)" ]
        mkdir /etc/rota && echo '[rota]' >/etc/rota/rota.ini
        dpkg --purge rota
        [ "$(left | xargs)" = '/etc/rota /etc/rota/rota.ini' ]
SH
    # what people made is theirs
    run -0 sqlite3 "$ROTA_CATALOGUE" 'SELECT count(*) FROM run'
    [ "$output" = 1 ]
}

@test "an upgrade keeps the configuration and takes the catalogue along" {
    make_older
    sqlite3 "$ROTA_CATALOGUE" 'PRAGMA journal_mode = WAL' \
        ".read $(printf '%s\n' "$ROTA_TOP"/tests/catalogues/schema_*.sql | sort -V | tail -n 1)" >/dev/null
    before=$(sqlite3 "$ROTA_CATALOGUE" 'PRAGMA user_version')
    sandbox <<'SH'
        dpkg -i older.deb
        mkdir /etc/rota
        printf '[worker old-friend]\ntransport = local\n' >/etc/rota/rota.ini
        cp /etc/rota/rota.ini before.ini
        dpkg -i "$deb"
        cmp before.ini /etc/rota/rota.ini
        [ "$(rota hosts -o id)" = old-friend ]
        [ ! -e /usr/share/rota/gone.yml ]
        ! grep -qx old /usr/share/rota/rules.yml
        # the run that the earlier version left in the queue
        rota dispatch --wait 2
        [ "$(rota status --format '{id} {job} {state} {host}' 2)" = '2 nightly succeeded old-friend' ]
        dpkg --remove rota
        cmp before.ini /etc/rota/rota.ini
        [ "$(left | xargs)" = '/etc/rota /etc/rota/rota.ini' ]
SH
    run -0 sqlite3 "$ROTA_CATALOGUE" 'PRAGMA user_version'
    [ "$output" = $((before + 1)) ]
}

@test "of the example configuration each line that is a comment can be made one that counts" {
    config < <(sed -E 's/^; (\[|[a-z_]+ +=)/\1/; s#/var/lib/rota#'"$HOME"'#' "$ROTA_TOP/jobs/rota.ini")
    run -0 rota hosts -o id
    [ "$output" = $'here\nweb1\ndb1\ndb2\ndb3\ndb4' ]
    rota submit -- true
    run -0 rota monitor check -n
}
