# packages: the Debian packages that eddy needs, by purpose, and their installation.
#
#   . tools/lib/packages.sh
#   packages_install build test       installs what is missing of these, or says what to do
#
# Debian 12 is what this is written and tested for. Where there is no apt-get the caller goes on: the
# build itself will say what it misses.

# The program and libeddy. librdkafka, jansson, utf8proc, libyaml, LZ4, libcurl, libmicrohttpd, xxHash,
# ncurses and OpenBLAS are all that they use.
# OpenBLAS in the pthread build: it takes locks, so that several of our threads may call it. The serial
# one may be built without.
packages_build="gcc libc6-dev cmake ninja-build pkg-config librdkafka-dev libjansson-dev
  libopenblas-pthread-dev libutf8proc-dev libyaml-dev liblz4-dev libxxhash-dev
  libcurl4-openssl-dev libmicrohttpd-dev libncurses-dev"
# The unit tests, the laws of the house, the style; g++ compiles the C++ consumer of libeddy.
packages_test="libcmocka-dev g++ binutils python3 openssl clang-format"
# Man pages out of the program's tables, and their reader; the shells whose completion is tested.
packages_manual="scdoc man-db groff-base bsdextrautils zsh fish"
# Packages of eddy's own, and who judges them and the service in them.
packages_debian="dpkg-dev lintian systemd"
# What scrapes us, and judges our metrics (promtool).
packages_serve="prometheus"
# What bundles the dashboard; without it eddy is built without one. A Node that did not come from Debian
# has its own npm, beside which Debian's cannot be.
packages_dashboard="ca-certificates"
command -v npm >/dev/null || packages_dashboard+=" nodejs npm"
# What looks at the dashboard (tests/browser).
packages_browser="chromium fonts-dejavu-core"
# Whom alerts are brought to.
packages_alerts="prometheus-alertmanager"
# libFuzzer and its sanitizers.
packages_fuzz="clang libclang-rt-14-dev"
# A real broker (tools/kafka) and a client of its own mind to look at it with.
packages_kafka="maven default-jre-headless kcat"
# The fault matrix (tests/faults): kafka-python in a virtual environment.
packages_faults="python3-venv"
# A real llama.cpp server (tests/llm/real-server), built in a virtual environment.
packages_llm="python3-venv g++ cmake ninja-build"
# The sentence encoder (tools/fetch-model).
packages_model="python3 python3-pip ca-certificates"

packages_missing() { # PACKAGE... -> those that are not installed
  local name
  for name; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || echo "$name"
  done
}

packages_install() { # PURPOSE...
  local purpose root=() wanted=() missing log
  for purpose; do
    local list=packages_$purpose
    # shellcheck disable=SC2206 # the lists are words
    wanted+=(${!list:?no packages are for $purpose})
  done
  if ! command -v apt-get dpkg-query >/dev/null; then
    echo "packages: no apt-get here; wanted under Debian's names: ${wanted[*]}"
    return 0
  fi
  mapfile -t missing < <(packages_missing "${wanted[@]}" | sort -u)
  if ((${#missing[@]} == 0)); then
    echo "packages: all there"
    return 0
  fi
  if ((EUID != 0)); then
    root=(sudo)
    command -v sudo >/dev/null || {
      echo "packages: neither root nor sudo; ask for: apt-get install ${missing[*]}" >&2
      return 1
    }
  fi
  echo "packages: installing ${missing[*]}"
  log=$(mktemp)
  if "${root[@]}" apt-get update >"$log" 2>&1 &&
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      "${missing[@]}" >>"$log" 2>&1; then
    rm -f "$log"
  else
    tail -n 20 "$log" >&2
    echo "packages: apt-get failed, all it said is in $log" >&2
    return 1
  fi
}
