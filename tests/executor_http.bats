#!/usr/bin/env bats
# http: a request to a real web server on loopback, and what becomes of its answer.

# shellcheck disable=SC2030,SC2031 # id and url are those of the test

load lib
load dispatcher

setup()
{
    rota_setup
    local_workers here
    web=$BATS_TEST_TMPDIR/web
    mkdir "$web"
    python3 "$ROTA_TOP/tests/web.py" "$web" 3>&- &
    web_pid=$!
    eventually test -e "$web/port"
    url=http://127.0.0.1:$(cat "$web/port")
}

teardown()
{
    kill "$web_pid"
    wait "$web_pid" || :
    rota_teardown
}

# A request of these keys (standard input), with what else the job says in the arguments. Its run is over
# afterwards: $id.
request()
{
    {
        printf 'name: ask\nhttp:\n'
        sed 's/^/  /'
        if [ $# -gt 0 ]; then
            printf '%s\n' "$@"
        fi
    } >job.yaml
    id=$(rota submit job.yaml)
    timeout 120 rota dispatch
}

# The state, the exit code and the reason of the run.
ended()
{
    rota status -o json "$id" | jq -r '"\(.state) \(.exit_code) \(.reason // "")"'
}

@test "a GET: the body is the output" {
    request <<<"url: $url/echo"
    [ "$(ended)" = 'succeeded 0 ' ]
    [ "$(rota logs "$id")" = GET ]
    [ "$(cat "$web/requests")" = 'GET /echo' ]
}

@test "method, headers and body arrive as they are written" {
    request <<YAML
url: $url/echo?q=a[1]{b}
method: PUT
headers: {X-Quote: 'a "b" \\c = d', X-Empty: "", Content-Type: application/json}
body: "{\"a\": \"\\\\\"}\\n@b\\n"
YAML
    [ "$(ended)" = 'succeeded 0 ' ]
    run -0 rota logs "$id"
    [ "$output" = 'PUT
Content-Type: application/json
X-Empty: 
X-Quote: a "b" \c = d
{"a": "\"}
@b' ]
    [ "$(cat "$web/requests")" = "PUT /echo?q=a[1]{b}" ]
}

@test "a body makes it a POST; a HEAD has the headers as its output" {
    request <<<"{url: $url/echo, body: x=1}"
    [ "$(rota logs "$id")" = $'POST\nContent-Type: application/x-www-form-urlencoded\nx=1' ]
    request <<<"{url: $url/echo, method: HEAD}"
    [ "$(ended)" = 'succeeded 0 ' ]
    [[ $(rota logs "$id") == 'HTTP/1.1 200 OK'* ]]
    [ "$(tail -n 1 "$web/requests")" = 'HEAD /echo' ]
}

@test "another status than was expected is failed with 22, and its body is kept" {
    request <<<"url: $url/status/503"
    [ "$(ended)" = 'failed 22 HTTP 503, 2xx was expected' ]
    [ "$(rota logs "$id")" = 'this is 503' ]
    request <<<"{url: $url/status/201, expect: 200}"
    [ "$(ended)" = 'failed 22 HTTP 201, 200 was expected' ]
    request <<<"{url: $url/status/500, expect: [200, 204]}"
    [ "$(ended)" = 'failed 22 HTTP 500, 200 or 204 was expected' ]
}

@test "a status that is expected is good, whatever it is" {
    request <<<"{url: $url/status/404, expect: [200, 404]}"
    [ "$(ended)" = 'succeeded 0 ' ]
    request <<<"url: $url/status/204"
    [ "$(ended)" = 'succeeded 0 ' ]
    request "success: [0, 22]" <<<"url: $url/status/404"
    [[ $(ended) = succeeded* ]]
}

@test "a redirection is not followed unless that is asked for, and then as curl does" {
    request <<<"url: $url/jump"
    [ "$(ended)" = 'failed 22 HTTP 303, 2xx was expected' ]
    [ "$(cat "$web/requests")" = 'GET /jump' ]
    request <<<"{url: $url/jump, follow: true, body: x}"
    [ "$(ended)" = 'succeeded 0 ' ]
    [ "$(head -n 1 <<<"$(rota logs "$id")")" = GET ]
    [ "$(tail -n 2 "$web/requests")" = $'POST /jump\nGET /echo' ]
    request <<<"{url: $url/spin, follow: true}"
    [ "$(ended)" = 'failed 47 curl: (47) Maximum (10) redirects followed' ]
}

@test "a megabyte of body is kept whole" {
    request <<<"url: $url/big"
    [ "$(ended)" = 'succeeded 0 ' ]
    rota logs "$id" | cmp - <(yes 0123456789abcde | head -n 65536)
}

@test "a refused connection is failed by curl's own word" {
    request <<<"url: http://127.0.0.1:1/"
    [[ $(ended) == 'failed 7 curl: (7) Failed to connect to 127.0.0.1 port 1'* ]]
    run -0 rota logs "$id"
    [[ $output == 'curl: (7) Failed to connect'* ]]
}

@test "a URL that hangs is ended by the timeout of the job" {
    request 'timeout: 1s' <<<"url: $url/hang"
    [[ $(ended) == timeout* ]]
    [ "$(cat "$web/requests")" = 'GET /hang' ]
}

# Nobody takes connections off the queue of a listening socket: further ones hang.
@test "a host that does not take the connection is given up after connect_timeout" {
    python3 -c '
import socket, sys
full = socket.socket()
full.bind(("127.0.0.1", 0))
full.listen(0)
callers = []
for _ in range(8):
    callers.append(socket.socket())
    callers[-1].setblocking(False)
    callers[-1].connect_ex(full.getsockname())
print(full.getsockname()[1], flush=True)
sys.stdin.read()' < <(exec tail -f --pid $$ /dev/null) >full 3>&- &
    full_pid=$!
    eventually test -s full
    request <<<"{url: 'http://127.0.0.1:$(cat full)/', connect_timeout: 300ms}"
    kill "$full_pid"
    [[ $(ended) == 'failed 28 curl: (28) '* ]]
}

@test "a run is cancelled while it waits for an answer" {
    printf 'http: {url: "%s/hang"}\n' "$url" >job.yaml
    id=$(rota submit job.yaml)
    dispatcher_starts
    eventually test -e "$web/requests"
    run -0 rota cancel "$id"
    dispatcher_ends
    is_state "$id" cancelled
}

@test "neither URL nor headers nor body are in a command line while it runs" {
    echo S3CRET >"$web/secret"
    request <<YAML
url: $url/echo?key=S3CRET
headers: {X-Key: S3CRET}
body: S3CRET
YAML
    [ "$(ended)" = 'succeeded 0 ' ]
    [ ! -e "$web/seen" ]
    # the look does see what is there
    sh -c 'curl -s "$0"; :' "$url/echo?key=S3CRET"
    [ -s "$web/seen" ]
}

@test "a .curlrc of the account changes nothing" {
    printf 'request = DELETE\n' >"$HOME/.curlrc"
    request 'env: {CURL_HOME: '"$HOME"', HOME: '"$HOME"'}' <<<"url: $url/echo"
    [ "$(rota logs "$id")" = GET ]
}

@test "without curl the run fails with that reason" {
    cat >job.yaml <<<"{name: ask, http: {url: '$url/echo'}}"
    id=$(rota submit job.yaml)
    hidden=$(mktemp -p "$BATS_TEST_TMPDIR")
    # shellcheck disable=SC2016 # expanded inside
    unshare -m sh -c 'for d in /usr/local/bin /usr/bin /bin; do
        [ ! -e "$d/curl" ] || mount --bind "$0" "$d/curl"; done; exec rota dispatch' "$hidden"
    [ "$(ended)" = 'failed null there is no curl on this host, which http: needs: install it there' ]
}

@test "what is wrong with the keys is said before anything runs" {
    cat >job.yaml <<'YAML'
name: a
http: {url: ftp://x/, method: GET, expect: 99, follow: maybe, connect_timeout: 0s}
stdin: x
YAML
    run -65 rota submit -n job.yaml
    [[ $output == *"'url' is to be a URL that begins with http:// or https://"* ]]
    [[ $output == *"'expect'"* && $output == *"'follow'"* && $output == *"'connect_timeout'"* ]]
    [[ $output == *"'http' and 'stdin' exclude each other: what is sent is its body"* ]]
}

@test "a method that is no word, a HEAD with a body and headers that have no name are errors of the file" {
    run -65 rota submit -n <(echo 'http: {url: "http://x/", method: "G E T"}')
    [[ $output == *"'method' is to be a word, as GET or PUT, not the quoted text 'G E T'"* ]]
    run -65 rota submit -n <(echo 'http: {url: "http://x/", method: head, body: ""}')
    [[ $output == *"'method: HEAD' and 'body' exclude each other: a HEAD has none"* ]]
    run -65 rota submit -n <(echo 'http: {url: "http://x/", headers: {"@/etc/passwd": "", "X Y": a, "X:Y": b, X-Fine_1: c}}')
    [ "$(grep -c 'is no name of a header' <<<"$output")" -eq 3 ]
    [[ $output == *"'@/etc/passwd' is no name of a header"* && $output != *X-Fine* ]]
}

@test "the element of an array stands in address, headers and body; an empty body is one" {
    request 'array: [a, "b&c"]' 'placeholder: "{}"' <<<"{url: '$url/echo?i={}', headers: {X-I: '<{}>'}, body: 'i={}'}"
    rota logs - <<<"$id" | grep -v Content-Type >out
    diff out - <<'TEXT'
POST
X-I: <a>
i=aPOST
X-I: <b&c>
i=b&c
TEXT
    [ "$(sort "$web/requests")" = $'POST /echo?i=a\nPOST /echo?i=b&c' ]
    request 'array: [x]' 'placeholder: url' <<<"{url: $url/echo, headers: {X-url: url}, body: ''}"
    [ "$(ended)" = 'succeeded 0 ' ]
    [[ $(rota logs "$id") == POST*'X-x: x'* ]]
}

@test "secrets stand in the address, headers and body, and nowhere else" {
    printf 'hunter2-%s\n' "$RANDOM" >pass
    chmod 600 pass
    cp pass "$web/secret"
    request "secrets: {PASS: {file: $PWD/pass}}" <<YAML
url: $url/echo?key=\${PASS}
headers: {X-Auth: "Bearer \${PASS}"}
body: "pass=\${PASS} \${OTHER}"
YAML
    [ "$(ended)" = 'succeeded 0 ' ]
    grep -qx "POST /echo?key=$(cat pass)" "$web/requests"
    # what the server says back is masked
    run -0 rota logs "$id"
    [[ $output == *'X-Auth: Bearer ***'*'pass=*** ${OTHER}'* ]]
    [ ! -e "$web/seen" ]
    run -1 grep -rlF "$(cat pass)" "$ROTA_CATALOGUE" "$HOME/output" "$(worker_spool)"
}

@test "a secret of several lines is refused in a header" {
    printf 'first line\nX-Evil: yes\n' >pass
    chmod 600 pass
    request "secrets: {PASS: {file: $PWD/pass}}" <<YAML
url: $url/echo
headers: {X-Auth: "\${PASS}"}
YAML
    [ "$(ended)" = 'failed null a secret of several lines cannot stand in a URL or a header' ]
    [ ! -e "$web/requests" ]
}
