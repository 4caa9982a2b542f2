#!/usr/bin/env bats
# The house: building in place, installing, uninstalling.

load lib

commands='submit dispatch status logs cancel hosts catalogue monitor worker'

# make, as a user would call it: not as a child of the make that runs the suite
run_make()
{
    env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$ROTA_TOP" B="$ROTA_BUILD_DIR" "$@"
}

@test "rota works where it was built, from any directory" {
    cd /
    run -0 "$ROTA_BUILD_DIR/rota" submit -- true
    [ "$output" = 1 ]
}

@test "rota works through a symbolic link to it" {
    ln -s "$ROTA_BUILD_DIR/rota" "$HOME/rota"
    run -0 "$HOME/rota" submit -- true
    [ "$output" = 1 ]
}

@test "every program says its version" {
    version=$(sed -n 's/^VERSION *= *//p' "$ROTA_TOP/Makefile")
    run -0 rota --version
    [[ $output == *"$version"* ]]
    run -0 "$ROTA_BUILD_DIR/rota-worker" --version
    [[ $output == *"$version"* ]]
}

@test "the worker is static, stripped and under 1 MiB" {
    is_sanitized && return
    run ldd "$ROTA_BUILD_DIR/rota-worker"
    [[ $output == *'not a dynamic executable'* || $output == *'statically linked'* ]]
    [ "$(stat -c %s "$ROTA_BUILD_DIR/rota-worker")" -lt 1048576 ]
    run nm "$ROTA_BUILD_DIR/rota-worker"
    [[ $output == *'no symbols'* ]]
}

@test "what only reads and writes the catalogue links no SSH code" {
    for command in rota rota-monitor; do
        run ldd "$ROTA_BUILD_DIR/$command"
        [[ $output == *sqlite3* ]]
        [[ $output != *ssh* ]]
    done
}

# What make install puts below a prefix, as paths from there.
installed_list()
{
    local page unit
    printf '%s\n' bin/rota libexec/rota/rota-{dispatch,monitor,doctor,init,worker} \
        share/rota/{grafana.json,rules.yml,directories} share/bash-completion/completions/rota \
        share/zsh/site-functions/_rota share/fish/vendor_completions.d/rota.fish
    for page in "$ROTA_TOP"/man/*.[1-8]; do
        printf 'share/man/man%s/%s\n' "${page##*.}" "${page##*/}"
    done
    for unit in rota.service rota-{check,prune}.{service,timer}; do
        printf 'lib/systemd/%s\n' "user/$unit" "system/${unit/./@.}"
    done
}

# Installs with the make variables given, then takes away; -o: what is installed is what the suite tests, nothing
# is built anew under its feet.
put()
{
    run -0 run_make -o programs DESTDIR="$root" "$@" install
    [ -z "$output" ]
}

take()
{
    run -0 run_make DESTDIR="$root" "$@" uninstall
    [ -z "$output" ]
}

@test "make install puts programs and pages in place, make uninstall takes all away" {
    root=$BATS_TEST_TMPDIR/root
    put
    (cd "$root/usr/local" && find . ! -type d -printf '%P\n') | sort >there
    installed_list | sort | diff - there
    for program in bin/rota libexec/rota/rota-{dispatch,monitor,doctor,init,worker}; do
        cmp "$ROTA_BUILD_DIR/${program##*/}" "$root/usr/local/$program"
        [ "$(stat -c %a "$root/usr/local/$program")" = 755 ]
    done
    for page in "$ROTA_TOP"/man/*.[1-8]; do
        cmp "$page" "$root/usr/local/share/man/man${page##*.}/${page##*/}"
    done
    cmp "$ROTA_TOP/lib/monitor/grafana.json" "$root/usr/local/share/rota/grafana.json"
    cmp "$ROTA_TOP/lib/monitor/rules.yml" "$root/usr/local/share/rota/rules.yml"
    cmp "$ROTA_TOP/completions/rota.bash" "$root/usr/local/share/bash-completion/completions/rota"
    cmp "$ROTA_TOP/completions/_rota" "$root/usr/local/share/zsh/site-functions/_rota"
    cmp "$ROTA_TOP/completions/rota.fish" "$root/usr/local/share/fish/vendor_completions.d/rota.fish"
    take
    run -0 find "$root" -mindepth 1
    [ -z "$output" ]
}

@test "an installation over an older one is taken away as a whole, too" {
    root=$BATS_TEST_TMPDIR/root
    put PREFIX=/opt/rota
    rm -r "$root/opt/rota/share/man"
    put PREFIX=/opt/rota
    [ -f "$root/opt/rota/share/man/man7/rota.7" ]
    take PREFIX=/opt/rota
    run -0 find "$root" -mindepth 1
    [ -z "$output" ]
}

@test "make uninstall leaves what was there, and what others put there, empty directories too" {
    root=$BATS_TEST_TMPDIR/root
    mkdir -p "$root/usr/local/"{bin,share/man/man1,share/zsh/site-functions}
    echo other >"$root/usr/local/share/zsh/site-functions/_other"
    find "$root" | sort >before
    put
    take
    find "$root" | sort | diff before -
    put
    echo other >"$root/usr/local/share/bash-completion/completions/other"
    echo other >"$root/usr/local/libexec/rota/other"
    take
    run -0 bash -c 'find "$1" | sort | diff before - | grep "^[<>]"' - "$root"
    [ "$output" = "> $root/usr/local/libexec
> $root/usr/local/libexec/rota
> $root/usr/local/libexec/rota/other
> $root/usr/local/share/bash-completion
> $root/usr/local/share/bash-completion/completions
> $root/usr/local/share/bash-completion/completions/other" ]
    take # once more: there is nothing to do
}

@test "a rota that is installed without its programs says which it misses" {
    install -D "$ROTA_BUILD_DIR/rota" "$HOME/bin/rota"
    run -71 "$HOME/bin/rota" monitor
    [[ $output == 'rota: rota-monitor is neither beside this program nor in /'*': install it' ]]
    run -64 "$HOME/bin/rota" moniter
    [[ $output == *"did you mean 'monitor'?"* ]]
}

@test "an installed rota finds its programs in libexec" {
    prefix=$BATS_TEST_TMPDIR/prefix
    # only rota itself is built again: it alone knows the directory
    run -0 run_make B="$prefix/build" PREFIX=/elsewhere "$prefix/build/rota"
    # another prefix than before reaches what was built already
    run -0 run_make B="$prefix/build" PREFIX="$prefix" "$prefix/build/rota"
    install -D "$prefix/build/rota" "$prefix/bin/rota"
    install -D -t "$prefix/libexec/rota" "$ROTA_BUILD_DIR"/rota-{dispatch,worker}
    run -0 "$prefix/bin/rota" submit --wait -- true
    [ "$output" = 1 ]
}

@test "every option that -h names is in the manual page" {
    for command in ${commands% worker}; do
        [ -f "$ROTA_TOP/man/rota-$command.1" ]
        run -0 rota "$command" -h
        # every long option that -h names has its place in the page
        while read -r option; do
            grep -qE -- "Fl Fl ${option#--}|Fl -${option#--}" "$ROTA_TOP/man/rota-$command.1" || {
                echo "rota-$command.1 does not name $option"
                return 1
            }
        done < <(grep -oE -- '--[a-z][a-z-]+' <<<"$output" | sort -u)
    done
}

@test "tests/deps needs nothing and says nothing when nothing is missing" {
    run -0 env -i PATH="$PATH" strace -f -qq -e trace=connect,socket -o "$HOME/trace" \
        "$ROTA_TOP/tests/deps" bash coreutils
    [ -z "$output" ]
    run ! grep AF_INET "$HOME/trace"
}

@test "tests/deps names the packages that it cannot install" {
    mkdir "$HOME/bin"
    printf '#!/bin/sh\nexit 100\n' >"$HOME/bin/apt-get"
    printf '#!/bin/sh\nshift\nexec "$@"\n' >"$HOME/bin/sudo"
    chmod +x "$HOME/bin/"*
    PATH=$HOME/bin:$PATH run -1 "$ROTA_TOP/tests/deps" bash no-such-package-1 no-such-package-2
    [[ $output == *'no-such-package-1 no-such-package-2'* ]]
}
