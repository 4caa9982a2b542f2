#!/usr/bin/env bats
# A worker of an older build (tests/fault/fake_worker.py says no FEATURE) is not given what it does not know.

load lib
load fault/bad

older()
{
    connection 1 <<'PYTHON'
greet()
welcome()
say("READY")
hear_all()
PYTHON
    rota submit - >ids
    dispatch
    [ "$(heard START)" -eq 0 ]
    run -0 rota status --format '{state} {reason}' "$(cat ids)"
}

@test "a container is refused, with the reason" {
    older <<<'{container: {image: x}, where: {hosts: bad}}'
    [[ $output == 'failed the worker on bad (build '*") is older than this rota and has no 'container': install this build's there" ]]
}

@test "a request is refused, with the reason" {
    older <<<'{http: {url: "http://127.0.0.1:1/"}, where: {hosts: bad}}'
    [[ $output == "failed the worker on bad (build "*") is older than this rota and has no 'http': install this build's there" ]]
}

@test "a job with files is refused, with the reason" {
    older <<<'{shell: "true", files: {get: [{from: x}]}, where: {hosts: bad}}'
    [[ $output == 'failed the worker on bad (build '*") is older than this rota and has no 'files': install this build's there" ]]
}
