# Functions for making a partnership on loopback: sourced by tests/demo/run and tests/bench/round.
# Wants: build (programs), agencies (array), data (directory of AGENCY.csv), and the working directory to
# be the one in which the members' homes go. Sets: address, pids.

kith=$build/kith
pids=()

stop_daemons() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  pids=()
}

# A port that nobody listens on, below those that connections get; 127.0.0.1 refuses at once where that is so.
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

# NAME COMMAND...: in the background, its log in NAME/log; measured where `measure` is set.
start_daemon() {
  local name=$1
  shift
  if [ -n "${measure:-}" ]; then
    /usr/bin/time -v -o "$name/time" "$@" 2>"$name/log" &
  else
    "$@" 2>"$name/log" &
  fi
  pids+=($!)
}

make_members() {
  local a
  echo "a passphrase that a person would type" >passphrase
  "$kith" setup governance --home lead --id lead --passphrase-file passphrase
  "$kith" setup recipient --home horizon --id horizon --name "Prevention team" \
    --passphrase-file passphrase
  "$kith" setup matcher --home matcher --id matcher --listen "$address"
  for a in "${agencies[@]}"; do
    "$kith" setup agency --home "$a" --id "$a" --kind "$a" --source "$data/$a.csv"
  done
}

make_charter() {
  "$kith" charter new --name "Demo city" --matcher-address "$address" \
    --governance-key lead/member.json --out charter.json
  "$kith" charter add --charter charter.json lead/member.json horizon/member.json \
    matcher/member.json "${agencies[@]/%//member.json}"
  "$kith" charter sign --charter charter.json --key lead/key --passphrase-file passphrase
}

start_daemons() {
  local a pin=(--charter charter.json --governance-key lead/member.json)
  "$kith" setup matcher --home matcher --id matcher --listen "$address" "${pin[@]}"
  start_daemon matcher "$build/kith-matcher" --config matcher/kith-matcher.conf
  for a in "${agencies[@]}"; do
    "$kith" setup agency --home "$a" --id "$a" --kind "$a" --source "$data/$a.csv" --allow-trial \
      --offline "${pin[@]}"
    echo "poll_ms = 200" >>"$a/kithd.conf"
    start_daemon "$a" "$build/kithd" --config "$a/kithd.conf"
  done
  "$kith" setup governance --home lead --id lead --passphrase-file passphrase "${pin[@]}"
  "$kith" setup recipient --home horizon --id horizon --passphrase-file passphrase "${pin[@]}"
}

# RULE [PROTECTION]: a signed trial policy over all agencies.
make_policy() {
  local a gateways=() protection=()
  [ -z "${2:-}" ] || protection=(--protection "$2")
  for a in "${agencies[@]}"; do gateways+=(--gateway "$a=made-up data: no gateway is needed"); done
  "$kith" policy new --charter charter.json --name "Trial" --recipient horizon --trial \
    --rule "$1" "${protection[@]}" "${gateways[@]}" --out policy.json
  "$kith" policy sign --policy policy.json --key lead/key --passphrase-file passphrase
}

# Every agency's officer makes a key, and who keeps the agency's own puts them on its list. A daemon that
# does not answer yet is asked again.
make_officers() {
  local a
  for a in "${agencies[@]}"; do
    "$kith" officer new --id officer_1 --role "data officer" --out "$a/officer.key" \
      --passphrase-file passphrase
    for _ in $(seq 100); do
      "$kith" officer add --home "$a" "$a/officer.key.json" 2>/dev/null && break
      sleep 0.1
    done
  done
}

# ROUND: every agency's officer joins; a daemon that has not heard of the round yet is asked again.
join_all() {
  local a
  for a in "${agencies[@]}"; do
    for _ in $(seq 100); do
      "$kith" round join --home "$a" --officer-key "$a/officer.key" --passphrase-file passphrase \
        --quiet "$1" 2>/dev/null && break
      sleep 0.1
    done
  done
}

# ROUND DIR: the list and every agency's map, for evaluation.
export_all() {
  local a
  "$kith" cohort pull --home horizon "$1"
  "$kith" cohort export --home horizon --out "$2" "$1"
  for a in "${agencies[@]}"; do
    "$kith" round trial-map --home "$a" --out "$2/$a.map.csv" "$1"
  done
}
