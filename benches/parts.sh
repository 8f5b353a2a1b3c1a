# Parts of images of random content, for scripts that make layouts: sourced with the layout's directory in `dir`.
oci=application/vnd.oci.image
mkdir -p "$dir/blobs/sha256"
new="$dir/new"

# Moves what is new to where its digest says, and prints its descriptor.
blob() {
  local digest size
  digest=$(sha256sum "$new" | cut -d' ' -f1)
  size=$(stat -c %s "$new")
  mv "$new" "$dir/blobs/sha256/$digest"
  printf '{"mediaType":"%s","digest":"sha256:%s","size":%s}' "$1" "$digest" "$size"
}

# layer BYTES: the head of a gzip file is there because skopeo would compress what is none.
layer() {
  { printf '\x1f\x8b\x08\0\0\0\0\0\0\3' && head -c $(($1 - 10)) /dev/urandom; } >"$new"
  blob "$oci.layer.v1.tar+gzip"
}

# No two configurations are alike, so no two manifests are.
config() {
  printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"author":"%s"}' \
    "$(head -c 16 /dev/urandom | sha256sum | cut -d' ' -f1)" >"$new"
  blob "$oci.config.v1+json"
}

# list COUNT FUNCTION ARGUMENTS...: commas between what is printed by as many calls.
list() {
  local at
  for at in $(seq "$1"); do
    [ "$at" = 1 ] || printf ,
    "${@:2}"
  done
}

# manifest LAYERS: a manifest of these descriptors, with a configuration of its own.
manifest() {
  local config
  config=$(config)
  printf '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]}' "$oci.manifest.v1+json" "$config" "$1" \
    >"$new"
  blob "$oci.manifest.v1+json"
}

# named DESCRIPTOR NAME: an entry of index.json.
named() { printf '%s,"annotations":{"org.opencontainers.image.ref.name":"%s"}}' "${1%\}}" "$2"; }

# layout ENTRIES: what makes a layout of the directory.
layout() {
  printf '{"schemaVersion":2,"manifests":[%s]}' "$1" >"$dir/index.json"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
}
