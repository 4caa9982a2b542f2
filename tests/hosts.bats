# rota hosts: what the configuration names and the catalogue knows.
# bats' run sets stderr
# shellcheck disable=SC2154

load lib

two_hosts()
{
    config <<<$'[worker db[1-2]]\nslots = 4\ntags = db, eu\n[worker here]\ntransport = local'
}

@test "without a configuration there is this machine" {
    run rota hosts -o json
    [ "$status" -eq 0 ]
    [ "$(json '"\(.name) \(.state) \(.transport) \(.used)"')" = 'local unknown local 0' ]
    [ ! -e "$ROTA_CATALOGUE" ]
}

@test "workers are listed in the order of the file, with slots and tags" {
    two_hosts
    [ "$(rota hosts -o id | tr '\n' ' ')" = 'db1 db2 here ' ]
    run rota hosts -o json db1
    [ "$(json '"\(.slots) \(.tags | join("+")) \(.load_percent) \(.seen_at)"')" = '4 db+eu null null' ]
    run rota hosts
    [[ ${lines[0]} == "HOST"*"STATE"*"SLOTS"* ]]
    [ "${#lines[@]}" -eq 4 ]
}

@test "slots in use are those of the runs that are there" {
    two_hosts
    rota submit --slots 2 --host db1 -- true
    rota submit --slots 1 --host db1 -- true
    rota submit --slots 1 --host db1 -- true
    sqlite3 "$ROTA_CATALOGUE" "UPDATE run SET state = 5, attempt = 1, host = 'db1' WHERE id < 3"
    run rota hosts -o json
    [ "$(json '"\(.name) \(.used) \(.runs)"')" = $'db1 3 2\ndb2 0 0\nhere 0 0' ]
}

@test "what the dispatcher saw is shown" {
    two_hosts
    rota submit -- true
    sqlite3 "$ROTA_CATALOGUE" "INSERT INTO host (name, state, reason, seen_at, cpus, load_percent)
        VALUES ('db2', 2, 'no route to host', 1000, 8, 150), ('gone', 1, NULL, 1, 1, 1)"
    run rota hosts -o json db2
    [ "$(json '"\(.state) \(.reason) \(.cpus) \(.load_percent) \(.seen_at)"')" = \
        'down no route to host 8 150 1970-01-01T00:00:01.000Z' ]
    run rota hosts -o id
    [[ $output != *gone* ]]
    run rota hosts
    [[ ${lines[2]} == *down*"no route to host" ]]
}

@test "drain takes hosts out of service, resume brings them back" {
    two_hosts
    run rota hosts drain 'db[1-2]' 'new disks'
    [ "$status" -eq 0 ]
    [ "$output" = $'db1\ndb2' ]
    [ "$(rota hosts -o json | jq -r '.drained // "-"' | tr '\n' ' ')" = 'new disks new disks - ' ]
    run rota hosts
    [[ ${lines[1]} == *drained*"new disks" ]]
    rota hosts resume db1
    [ "$(rota hosts -o json db1 | jq .drained)" = null ]
    [ "$(rota hosts -o json db2 | jq -r .drained)" = 'new disks' ]
    rota hosts drain here
    [ "$(rota hosts -o json here | jq -r .drained)" = drained ]
}

@test "an unknown host suggests the near one and changes nothing" {
    two_hosts
    run rota hosts drain db1,bd2
    [ "$status" -eq 1 ]
    [ "$output" = "rota hosts: no worker 'bd2' in rota.ini (did you mean 'db2'?)" ]
    run rota hosts db9
    [ "$status" -eq 1 ]
    [ ! -e "$ROTA_CATALOGUE" ]
}

@test "--dry-run changes nothing; too many words are an error" {
    two_hosts
    [ "$(rota hosts drain -n db1)" = db1 ]
    [ ! -e "$ROTA_CATALOGUE" ]
    run rota hosts drain db1 two words
    [ "$status" -eq 64 ]
    run rota hosts drain
    [ "$status" -eq 64 ]
    run rota hosts resume db1 why
    [ "$status" -eq 64 ]
}
