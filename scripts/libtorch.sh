#!/bin/sh
# Installs libtorch 2.11.0 into .libtorch/ from the Python package that holds it, and leaves one that
# is there alone. `LIBTORCH` set by the user wins over it, as in .cargo/config.toml.
set -eu
cd "$(dirname "$0")/.."

version=2.11.0
folder=.libtorch

if [ -n "${LIBTORCH:-}" ] && [ "$LIBTORCH" != "$folder/torch" ]; then
  echo "libtorch: using LIBTORCH=$LIBTORCH"
  exit 0
fi
if [ "$(cat "$folder/version" 2>/dev/null)" = "$version" ]; then
  exit 0
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
  echo "libtorch: Python 3's pip is needed to download it: apt-get install python3-pip" >&2
  exit 2
fi
echo "libtorch: downloading PyTorch $version without its GPU libraries: 0.55 GB, 1.2 GB on disk, about a minute"
# The interpreter itself: behind a version manager's shim (pyenv), an installation ends with a rehash of
# all shims, and its failure would be ours.
python=$(python3 -c 'import sys; print(sys.executable)')
staging="$folder.part"
rm -rf "$staging"
# --no-deps leaves out 2.7 GB of CUDA libraries that a machine without a GPU never loads; these two
# are the ones that libtorch_cpu itself is linked to.
"$python" -m pip install --quiet --no-deps --no-compile --disable-pip-version-check \
  --root-user-action=ignore --target "$staging" \
  "torch==$version" "nvidia-cuda-runtime==13.0.96" "nvidia-cuda-cupti==13.0.85"
echo "$version" > "$staging/version"
rm -rf "$folder"
mv "$staging" "$folder"
echo "libtorch: installed into $folder/"
