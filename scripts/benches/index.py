"""Commands that read the index of a chart repository of 20 MB: 400 charts in 40 versions each, as helm writes it."""

import http.server
import threading

CHARTS, VERSIONS = 400, 40
# About what the entries of large public repositories hold.
ENTRY = """  - annotations:
      category: Streaming
      images: |
        - name: {name}
          image: registry.example.com/charts/{name}:{minor}.{patch}.0
        - name: os-shell
          image: registry.example.com/charts/os-shell:12
      licenses: Apache-2.0
    apiVersion: v2
    appVersion: {minor}.{patch}.0
    created: "2026-01-02T03:04:05.678901234Z"
    dependencies:
    - name: common
      repository: oci://registry.example.com/charts
      tags:
      - shared
      version: 2.x.x
    description: Chart {name} runs jobs that hold state, on clusters of any size, with savepoints and checkpoints.
    digest: {digest}
    home: https://charts.example.com/{name}
    icon: https://charts.example.com/{name}/icon.png
    keywords:
    - stream
    - state
    - {name}
    kubeVersion: '>=1.25.0-0'
    maintainers:
    - email: team@example.com
      name: Team
      url: https://charts.example.com
    name: {name}
    sources:
    - https://charts.example.com/{name}/source
    urls:
    - https://charts.example.com/{name}-1.{minor}.{patch}.tgz
    version: 1.{minor}.{patch}
"""


def index():
    lines = ["apiVersion: v1\nentries:\n"]
    for chart in range(CHARTS):
        name = f"chart-{chart:03d}"
        lines.append(f"  {name}:\n")
        for version in range(VERSIONS):
            minor, patch = divmod(VERSIONS - 1 - version, 5)
            lines.append(ENTRY.format(name=name, minor=minor, patch=patch, digest="0" * 64))
    lines.append('generated: "2026-01-02T03:04:05.678901234Z"\n')
    return "".join(lines)


def run(bench):
    text = index()
    bench.say(f"  {len(text) / 1e6:.1f} MB")
    bench.write("public/index.yaml", text)
    folder = str(bench.folder / "public")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=folder)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    bench.output([bench.helm, "repo", "add", "big", url])

    def rows():
        searches = {
            "search of one chart": ["chart-123"],
            "search of everything": [],
            "search in descriptions": ["savepoints and checkpoints"],
            "search of all versions": ["chart-1", "--versions"],
        }
        for case, words in searches.items():
            command = ["search", "repo", *words, "-o", "json"]
            yield bench.compare(case, [bench.nutkin, *command], [bench.helm, *command])
        command = ["repo", "update", "big"]
        # They tell of it in words of their own.
        yield bench.compare("repo update", [bench.nutkin, *command], [bench.helm, *command], lambda _: "")

    found = list(rows())
    server.shutdown()
    return found
