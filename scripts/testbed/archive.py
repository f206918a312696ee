#!/usr/bin/env python3
"""Container images without a container tool: layers as plain tars, images as an OCI layout on stdout.

  archive.py layer OUT.tar SOURCE=TARGET...     SOURCE a file or folder, TARGET its absolute path in the image; owned by 9999
  archive.py digest SPEC.json                   digests of the images' manifests, one `NAME DIGEST` a line
  archive.py write SPEC.json                    the layout as a tar, without the blobs whose digests are on stdin

SPEC.json: [{"name": NAME, "layers": [TAR...], "config": {...}}]. Equal input gives equal bytes, so an image's digest
says whether a store has it already.
"""
import hashlib
import io
import json
import os
import sys
import tarfile

FLINK = 9999


def layer(out, pairs):
    with tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as tar:
        made = set()
        for pair in pairs:
            source, target = pair.split("=", 1)
            target = target.strip("/")
            parts = target.split("/")
            for i in range(1, len(parts)):
                folder(tar, made, "/".join(parts[:i]))
            add(tar, made, source, target)


def folder(tar, made, name):
    """A parent folder, once; those outside /opt/flink stay root's."""
    if name in made:
        return
    made.add(name)
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    info.uid = info.gid = owner(name)
    tar.addfile(info)


def owner(name):
    return FLINK if (name + "/").startswith("opt/flink/") else 0


def add(tar, made, source, target):
    if os.path.isdir(source):
        folder(tar, made, target)
        for name in sorted(os.listdir(source)):
            add(tar, made, os.path.join(source, name), f"{target}/{name}")
        return
    info = tarfile.TarInfo(target)
    info.size = os.path.getsize(source)
    info.mode = 0o755 if os.access(source, os.X_OK) else 0o644
    info.uid = info.gid = owner(target)
    with open(source, "rb") as data:
        tar.addfile(info, data)


def digest_of_file(path):
    """The tar's SHA-256, remembered beside it in the cache, where a tar never changes."""
    note = path + ".sha256"
    if os.path.exists(note) and os.path.getmtime(note) >= os.path.getmtime(path):
        with open(note) as f:
            return f.read().strip()
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    text = "sha256:" + digest.hexdigest()
    with open(note, "w") as f:
        f.write(text + "\n")
    return text


def blob(media_type, value):
    data = json.dumps(value, sort_keys=True).encode()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    return {"mediaType": media_type, "digest": digest, "size": len(data)}, data


def images(spec):
    """For each image: name, manifest descriptor, the small blobs by digest, the layers' tars by digest."""
    with open(spec) as f:
        entries = json.load(f)
    for entry in entries:
        layers = [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": digest_of_file(tar),
                "size": os.path.getsize(tar),
            }
            for tar in entry["layers"]
        ]
        config, config_data = blob(
            "application/vnd.oci.image.config.v1+json",
            {
                "architecture": "amd64",
                "os": "linux",
                "config": entry["config"],
                "rootfs": {"type": "layers", "diff_ids": [one["digest"] for one in layers]},
            },
        )
        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest, data = blob(kind, {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers})
        small = {config["digest"]: config_data, manifest["digest"]: data}
        tars = {one["digest"]: tar for one, tar in zip(layers, entry["layers"])}
        yield entry["name"], manifest, small, tars


def write(spec, done):
    out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.GNU_FORMAT)

    def put(name, data, size):
        info = tarfile.TarInfo(name)
        info.size = size
        out.addfile(info, data)

    def put_bytes(name, data):
        put(name, io.BytesIO(data), len(data))

    put_bytes("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    manifests = []
    for name, manifest, small, tars in images(spec):
        manifests.append({**manifest, "annotations": {"io.containerd.image.name": name}})
        for digest, tar in tars.items():
            if digest not in done:
                with open(tar, "rb") as data:
                    put("blobs/sha256/" + digest[7:], data, os.path.getsize(tar))
        for digest, data in small.items():
            if digest not in done:
                put_bytes("blobs/sha256/" + digest[7:], data)
        done.update(tars, small)
    put_bytes("index.json", json.dumps({"schemaVersion": 2, "manifests": manifests}).encode())
    out.close()


def main():
    command, first, *rest = sys.argv[1:]
    if command == "layer":
        layer(first, rest)
    elif command == "digest":
        for name, manifest, _, _ in images(first):
            print(name, manifest["digest"])
    elif command == "write":
        write(first, set(sys.stdin.read().split()))
    else:
        sys.exit(__doc__)


main()
