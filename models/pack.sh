#!/bin/sh
# Makes the bundled packed files again from the masters: models/pack.sh MASTERS_DIR
# MASTERS_DIR holds tiny-stories/model-bf16 and tiny-tales/model-bf16 (Hugging Face directories).
set -eu
cd "$(dirname "$0")/.."
tool=build/release/trit-native
$tool pack "$1/tiny-stories/model-bf16" -o models/tiny-stories/tiny-stories.trit --head int8 --card models/tiny-stories/card.json
$tool pack "$1/tiny-tales/model-bf16" -o models/tiny-tales/tiny-tales.trit --head int8 --card models/tiny-tales/card.json
$tool pack "$1/tiny-tales/model-bf16" -o models/tiny-tales/tiny-tales-f16.trit --head f16 --card models/tiny-tales/card.json
