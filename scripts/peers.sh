#!/bin/sh
# Installs the peers that the tests talk to into .tools/: an S3 server (moto). The tests start them, and
# skip with a message where they are not there.
set -eu
cd "$(dirname "$0")/.."

moto=5.2.5
if [ "$(cat .tools/moto/version 2>/dev/null)" = "$moto" ]; then
  exit 0
fi
echo "peers: installing moto $moto, an S3 server for the tests: 100 MB on disk"
rm -rf .tools/moto.part .tools/moto
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
  --no-warn-conflicts --target .tools/moto.part "moto[s3]==$moto" "flask==3.1.3" "flask-cors==6.0.1"
echo "$moto" > .tools/moto.part/version
mv .tools/moto.part .tools/moto
