#!/usr/bin/env bats
# The checks of make lint find what they are for. Each test plants one thing in a small clean tree.

load lib

setup()
{
    rota_setup
    mkdir -p tree/{lib/worker,lib/catalogue,cmd,tests,man,build}
    cd tree || return
    cp "$ROTA_TOP"/tests/{lint,layers} tests/
    cp "$ROTA_TOP"/.clang-{format,tidy} .
    printf '#ifndef BUF_H\n#define BUF_H\nint buf(int n);\n#endif\n' >lib/buf.h
    printf '#ifndef VIEW_H\n#define VIEW_H\nint view(int n);\n#endif\n' >lib/view.h
    c_file lib/buf.c '#include "buf.h"' '' 'int buf(int n)' '{' '    return n + 1;' '}'
    git init -q
}

c_file()
{
    printf '%s\n' "${@:2}" >"$1"
}

lint()
{
    tests/lint build '-Ilib'
}

@test "a clean tree passes" {
    run -0 lint
    [[ $output == *'are clean'* ]]
}

@test "an include from a higher layer is found" {
    c_file lib/err.c '#include "view.h"'
    run -1 lint
    [[ $output == *"lib/err.c:1: layer 0 includes 'lib/view.h' of layer 3"* ]]
}

@test "a file without a layer is found" {
    c_file lib/stranger.c '#include "buf.h"'
    run -1 lint
    [[ $output == *'lib/stranger.c: has no layer'* ]]
}

@test "sqlite3.h outside of the catalogue is found" {
    c_file cmd/status.c '#include <sqlite3.h>'
    run -1 lint
    [[ $output == *'cmd/status.c:1: <sqlite3.h> may be included only by'* ]]
}

@test "the worker may not include what it must not link" {
    c_file lib/worker/shim.c '#include "view.h"'
    run -1 lint
    [[ $output == *"lib/worker/shim.c:1: the worker may not include 'lib/view.h'"* ]]
}

@test "a banned function is found, a mention in a comment or a string is not" {
    c_file cmd/a.c '#include <stdlib.h>' '' '/* never atoi(x) */' 'int a(const char *s)' '{' \
        '    return "system(x)" && atoi(s);' '}'
    run -1 lint
    [[ $output == *'cmd/a.c:6: banned function'* ]]
    [[ $output != *'cmd/a.c:3:'* ]]
}

@test "a function of 81 lines is found, one of 80 is not" {
    {
        printf 'int a(int n)\n{\n'
        for _ in {1..76}; do echo '    n += n;'; done
        printf '    return n;\n}\n'
    } >cmd/a.c
    run -0 lint
    sed -i 's/^    return/    n++;\n&/' cmd/a.c
    run -1 lint
    [[ $output == *'cmd/a.c:1: 81 lines'* ]]
}

@test "what clang-tidy and clang-format say is passed on, and again the next time" {
    c_file cmd/a.c 'int a(int *p)' '{' '    if (!p)' '        return *p;' '    return 1;' '}'
    run -1 lint
    [[ $output == *NullDereference* ]]
    run -1 lint
    [[ $output == *NullDereference* ]]
    c_file cmd/a.c 'int a(int n) { return n; }'
    run -1 lint
    [[ $output == *'clang-format -i cmd/a.c'* ]]
}

@test "shell scripts, manual pages and paths of a machine are looked at" {
    printf '#!/bin/sh\necho $1\n' >tests/tool
    printf '.Dd bad\n.Dt X 1\n.Os\n.Sh NAME\n.Foo\n' >man/x.1
    printf 'see %s/somebody/rota\n' /home >notes
    run -1 lint
    [[ $output == *'tests/tool:2'*SC2086* ]]
    [[ $output == *'man/x.1:5'* ]]
    [[ $output == *'notes:1'* ]]
}
