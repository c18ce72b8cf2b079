# run: a step of a script in one line, with its time; what it says is shown only when it fails.
#
#   . tools/lib/run.sh
#   run "building" ninja -C build/release

if [[ -t 1 && ${TERM:-dumb} != dumb && -z ${NO_COLOR:-} ]]; then
  run_bold=$'\e[1m' run_plain=$'\e[0m'
else
  run_bold='' run_plain=''
fi

run() { # WHAT COMMAND...
  local what=$1 log begin=$SECONDS
  shift
  log=$(mktemp)
  printf '%s ... ' "$what"
  if "$@" >"$log" 2>&1 </dev/null; then
    printf 'done (%d s)\n' $((SECONDS - begin))
    rm -f "$log"
  else
    local code=$?
    printf 'failed after %d s:\n' $((SECONDS - begin))
    tail -n 60 "$log"
    echo "${run_bold}$what failed${run_plain}; the whole log is $log"
    return "$code"
  fi
}
