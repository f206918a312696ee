"""Releases on the cluster of KUBECONFIG: a chart of 100 objects from install to uninstall, `list` over 1,000 releases.

Controllers go on working for a moment after a run, on Services made and on what depended on what was deleted. So that
nobody pays for another's run, the programs begin in another order each round, and each waits until the machine is
idle.

`floor` is the same writes of objects by a bare client, 16 at once, in one stage (see floor/main.go). `with records`
is that client again, with all that a release writes beside its objects: lock, journal, record and note, each when the
one before is there, and the objects in two stages, for a binding comes after its role. Requests are counted in runs of
their own, by a proxy before the API server. The namespaces are made for it, and deleted.
"""

import base64
import gzip
import http.client
import http.server
import json
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse

KINDS = {"ConfigMap": 40, "Secret": 25, "Service": 20, "ServiceAccount": 5, "Role": 5, "RoleBinding": 5}
RBAC = "rbac.authorization.k8s.io"
PATHS = {
    "ConfigMap": "api/v1", "Secret": "api/v1", "Service": "api/v1", "ServiceAccount": "api/v1",
    "Role": f"apis/{RBAC}/v1", "RoleBinding": f"apis/{RBAC}/v1",
}
CONCURRENCY = 16
RELEASES, REVISIONS = 1000, 5
LEASES = "coordination.k8s.io/v1"
# The size of the chart's record, packed.
RECORD = 9000
STEPS = ("install", "no-op upgrade", "one-object upgrade", "full change", "uninstall")
FLOORS = ("floor", "with records")
# The steps that the floors take as well, and what then stands in each object.
CHANGES = {"install": "1", "full change": "2"}
VALUES = {"no-op upgrade": [], "one-object upgrade": ["--set", "one=2"], "full change": ["--set", "all=2"]}


def body(kind, n, name, everything, one):
    """An object; `everything` stands in each of them, `one` in the first ConfigMap."""
    meta = {"name": name, "labels": {"app": "bench", "part": f"p{n}"}, "annotations": {"bench/value": everything}}
    api = f"{RBAC}/v1" if kind.startswith("Role") else "v1"
    made = {"apiVersion": api, "kind": kind, "metadata": meta}
    if kind == "ConfigMap":
        value = one if n == 0 else "fixed"
        made["data"] = {"value": value, "all": everything, **{f"key{i}": f"value {i} of {n}" for i in range(10)}}
    elif kind == "Secret":
        made["data"] = {"password": base64.b64encode(f"secret {n}".encode()).decode()}
    elif kind == "Service":
        made["spec"] = {"selector": {"app": "bench", "part": f"p{n}"},
                        "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]}
    elif kind == "Role":
        made["rules"] = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]
    elif kind == "RoleBinding":
        made["roleRef"] = {"apiGroup": RBAC, "kind": "Role", "name": name}
        made["subjects"] = [{"kind": "ServiceAccount", "name": name, "namespace": "default"}]
    return made


def chart(bench):
    bench.write("chart/Chart.yaml", "apiVersion: v2\nname: bench\nversion: 1.0.0\nappVersion: '1'\n")
    bench.write("chart/values.yaml", 'one: "1"\nall: "1"\n')
    for kind, count in KINDS.items():
        for n in range(count):
            text = json.dumps(body(kind, n, "NAME", "ALL", "ONE"), indent=2)
            text = text.replace('"NAME"', f'"{{{{ .Release.Name }}}}-{n}"')
            text = text.replace('"ALL"', "{{ .Values.all | quote }}").replace('"ONE"', "{{ .Values.one | quote }}")
            bench.write(f"chart/templates/{kind.lower()}-{n}.yaml", text + "\n")


def writes(namespace, release, everything):
    """The requests that bring all objects about, in one stage."""
    stage = []
    for kind, count in KINDS.items():
        for n in range(count):
            made = body(kind, n, f"{release}-{n}", everything, "1")
            path = f"/{PATHS[kind]}/namespaces/{namespace}/{kind.lower()}s/{release}-{n}?fieldManager=helm&force=true"
            stage.append({"method": "PATCH", "path": path, "type": "application/apply-patch+yaml", "body": made})
    return [stage]


def deletes(namespace, release):
    stage = []
    for kind, count in KINDS.items():
        for n in range(count):
            path = f"/{PATHS[kind]}/namespaces/{namespace}/{kind.lower()}s/{release}-{n}"
            options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
            stage.append({"method": "DELETE", "path": path, "type": "application/json", "body": options})
    return [stage]


def recorded(namespace, release, revision, stage):
    """Objects with what a release writes beside them."""
    secrets, leases = f"/api/v1/namespaces/{namespace}/secrets", f"/apis/{LEASES}/namespaces/{namespace}/leases"
    lease = {"apiVersion": LEASES, "kind": "Lease", "metadata": {"name": f"nutkin.{release}"},
             "spec": {"holderIdentity": "bench", "leaseDurationSeconds": 15}}

    def post(path, made):
        return [{"method": "POST", "path": path, "type": "application/json", "body": made}]

    def secret(name, size):
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
                "data": {"release": base64.b64encode(os.urandom(size)).decode()}}

    def delete(path):
        return [{"method": "DELETE", "path": path, "type": "application/json", "body": {}}]

    name = f"record.{release}.v{revision}"
    patch = {"method": "PATCH", "path": f"{secrets}/{name}", "type": "application/merge-patch+json",
             "body": {"data": secret(name, RECORD)["data"]}}
    # The order of Helm's kinds, as far as the API server minds it.
    later = ("/rolebindings/", "/services/")
    return [
        post(leases, lease),
        post(secrets, secret(f"journal.{release}", 300)),
        post(secrets, secret(name, RECORD)),
        [r for r in stage if not any(kind in r["path"] for kind in later)],
        [r for r in stage if any(kind in r["path"] for kind in later)],
        [patch],
        post(secrets, secret(f"note.{release}.v{revision}", 300)),
        delete(f"{secrets}/journal.{release}"),
        delete(f"{leases}/nutkin.{release}"),
    ]


class Cluster:
    """The cluster of KUBECONFIG, as a bare client needs it."""

    def __init__(self, bench):
        config = os.environ.get("KUBECONFIG") or sys.exit("error: KUBECONFIG is not set (scripts/cluster env)")
        self.config = config
        # The section's own programs find it there; bench has taken it out of the environment.
        bench.environment["KUBECONFIG"] = config
        kubectl = shutil.which("kubectl", path=f"{bench.helm.parent}:{os.environ['PATH']}") or "kubectl"
        view = subprocess.run([kubectl, "config", "view", "--raw", "--minify", "--flatten", "-o", "json",
                               "--kubeconfig", config], check=True, capture_output=True, text=True)
        view = json.loads(view.stdout)
        cluster, user = view["clusters"][0]["cluster"], view["users"][0]["user"]
        if "client-certificate-data" not in user:
            sys.exit("error: the bench needs a kubeconfig with a client certificate")
        pem = lambda text: base64.b64decode(text).decode()
        self.view = {"server": cluster["server"], "ca": pem(cluster["certificate-authority-data"]),
                     "cert": pem(user["client-certificate-data"]), "key": pem(user["client-key-data"])}
        self.file = bench.folder / "cluster.json"
        self.file.write_text(json.dumps(self.view))
        self.file.chmod(0o600)
        self.floor = bench.folder / "floor"
        source = os.path.join(os.path.dirname(__file__), "floor", "main.go")
        subprocess.run(["go", "build", "-o", self.floor, source], check=True)
        self.folder, self.number = bench.folder, 0

    def send(self, stages):
        """The command that sends these requests."""
        self.number += 1
        path = self.folder / f"requests-{self.number}.json"
        path.write_text(json.dumps(stages))
        return [self.floor, self.file, path, CONCURRENCY]

    def namespace(self, name, made=True):
        options = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        request = {"method": "POST", "path": "/api/v1/namespaces", "type": "application/json", "body": options}
        if not made:
            request = {**request, "method": "DELETE", "path": f"/api/v1/namespaces/{name}", "body": {}}
        subprocess.run([str(c) for c in self.send([[request]])], check=True)


class Counter:
    """A proxy before the API server that counts requests by method and keeps them by path."""

    def __init__(self, cluster, folder):
        pem = folder / "client.pem"
        pem.write_text(cluster.view["cert"] + "\n" + cluster.view["key"])
        pem.chmod(0o600)
        context = ssl.create_default_context(cadata=cluster.view["ca"])
        context.load_cert_chain(pem)
        address = urllib.parse.urlsplit(cluster.view["server"])
        counter, local = self, threading.local()
        self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                length = int(self.headers.get("Content-Length") or 0)
                sent = self.rfile.read(length)
                headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "accept-encoding")}
                counter.requests.append(f"{self.command} {self.path}")
                if not hasattr(local, "upstream"):
                    local.upstream = http.client.HTTPSConnection(address.hostname, address.port, context=context)
                local.upstream.request(self.command, self.path, body=sent, headers=headers)
                answer = local.upstream.getresponse()
                text = answer.read()
                self.send_response(answer.status)
                for key, value in answer.getheaders():
                    if key.lower() not in ("transfer-encoding", "content-length", "connection", "date", "server"):
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.config = folder / "proxied.kubeconfig"
        server = f"http://127.0.0.1:{self.server.server_port}"
        self.config.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "c", "user": {}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        }))

    def count(self, bench, command):
        self.requests.clear()
        environment = {**bench.environment, "KUBECONFIG": str(self.config)}
        done = subprocess.run([str(c) for c in command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"error: {command}: {done.stderr}")
        return len(self.requests)


def commands(program, bench, namespace):
    """A release's way, step by step."""
    base = [program, "-n", namespace]
    source = bench.folder / "chart"
    make = {"install": [*base, "install", "r", source]}
    make |= {step: [*base, "upgrade", "r", source, *values] for step, values in VALUES.items()}
    make["uninstall"] = [*base, "uninstall", "r"]
    return make


def settle():
    """Waits until this machine is idle, or what keeps it busy has nothing to do with the last run."""
    def spent():
        with open("/proc/stat", encoding="utf-8") as stat:
            numbers = [int(n) for n in stat.readline().split()[1:]]
        return sum(numbers), numbers[3] + numbers[4]

    end = time.monotonic() + 10
    while time.monotonic() < end:
        before = spent()
        time.sleep(0.25)
        after = spent()
        if (after[1] - before[1]) > 0.85 * (after[0] - before[0]):
            return


def record(namespace, name, revision, template):
    """A Secret as Helm writes it."""
    made = json.loads(json.dumps(template))
    made |= {"name": name, "namespace": namespace, "version": revision}
    status = "deployed" if revision == REVISIONS else "superseded"
    made["info"]["status"] = status
    packed = base64.b64encode(gzip.compress(json.dumps(made).encode(), 9, mtime=0))
    return {
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {"name": f"sh.helm.release.v1.{name}.v{revision}", "namespace": namespace,
                     "labels": {"name": name, "owner": "helm", "status": status, "version": str(revision)}},
        "data": {"release": base64.b64encode(packed).decode()},
    }


def summary(case, times, peaks, requests):
    row = {"case": case}
    for name, all_times in times.items():
        row[name] = {"wall_ms": round(1000 * statistics.median(w for w, _ in all_times), 1),
                     "cpu_ms": round(1000 * statistics.median(c for _, c in all_times), 1),
                     "peak_kib": peaks.get(name), "requests": requests.get(name)}
    row["helm_to_nutkin"] = round(row["helm"]["wall_ms"] / row["nutkin"]["wall_ms"], 1)
    for floor in FLOORS:
        if floor in row:
            # The machine's load changes from run to run: each run is compared with its own floor.
            ratios = [n[0] / f[0] for n, f in zip(times["nutkin"], times[floor])]
            row[floor]["nutkin_to_this"] = round(statistics.median(ratios), 2)
    return row


def flow(bench, cluster, counter, prefix):
    """The way of the 100-object chart, by each program in turn."""
    rounds = max(3, min(bench.runs, 10))
    peaks, requests = {step: {} for step in STEPS}, {step: {} for step in STEPS}
    programs = {"nutkin": bench.nutkin, "helm": bench.helm}
    spaces = {name: f"{prefix}-{name.replace(' ', '-')}" for name in (*programs, *FLOORS)}
    ways = {name: commands(program, bench, spaces[name]) for name, program in programs.items()}
    bare, recording = spaces["floor"], spaces["with records"]
    ways["floor"] = {step: cluster.send(writes(bare, "r", everything)) for step, everything in CHANGES.items()}
    ways["floor"]["uninstall"] = cluster.send(deletes(bare, "r"))
    ways["with records"] = {
        step: cluster.send(recorded(recording, "r", everything, writes(recording, "r", everything)[0]))
        for step, everything in CHANGES.items()
    }
    times = {step: {name: [] for name in ways if step in ways[name]} for step in STEPS}
    for space in spaces.values():
        cluster.namespace(space)
    order = list(ways)
    try:
        for number in range(rounds):
            bench.say(f"  round {number + 1} of {rounds}")
            for step in STEPS:
                order.append(order.pop(0))
                for name in order:
                    if step in ways[name]:
                        settle()
                        times[step][name].append(bench.once(ways[name][step]))
            # For the next round.
            gone = deletes(recording, "r")
            records = (f"{kind}.r.v{revision}" for kind in ("record", "note") for revision in CHANGES.values())
            gone[0] += [{"method": "DELETE", "path": f"/api/v1/namespaces/{recording}/secrets/{name}",
                         "type": "application/json", "body": {}} for name in records]
            subprocess.run([str(c) for c in cluster.send(gone)], check=True)
        for name, program in programs.items():
            for step, command in commands(program, bench, spaces[name]).items():
                peaks[step][name] = bench.peak(command)
            for step, command in commands(program, bench, spaces[name]).items():
                requests[step][name] = counter.count(bench, command)
        for step in times:
            if "floor" in times[step]:
                requests[step]["floor"] = sum(KINDS.values())
            if "with records" in times[step]:
                requests[step]["with records"] = sum(KINDS.values()) + 7
    finally:
        for space in spaces.values():
            cluster.namespace(space, made=False)
    return [summary(step, times[step], peaks[step], requests[step]) for step in STEPS]


def listing(bench, cluster, counter, prefix):
    """`list` over many releases: the records of the 100-object chart under other names."""
    space = f"{prefix}-list"
    cluster.namespace(space)
    try:
        bench.output([bench.helm, "-n", space, "install", "template", bench.folder / "chart", "--dry-run=client"])
        first = f"{prefix}-first"
        cluster.namespace(first)
        try:
            bench.output([bench.helm, "-n", first, "install", "r", bench.folder / "chart"])
            secret = subprocess.run(["kubectl", "--kubeconfig", cluster.config, "-n", first, "get", "secret",
                                     "sh.helm.release.v1.r.v1", "-o", "jsonpath={.data.release}"],
                                    check=True, capture_output=True, text=True).stdout
        finally:
            cluster.namespace(first, made=False)
        template = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret))))
        bench.say(f"  writing {RELEASES * REVISIONS} records")
        path = f"/api/v1/namespaces/{space}/secrets"
        stage = [{"method": "POST", "path": path, "type": "application/json",
                  "body": record(space, f"release-{n:04}", revision, template)}
                 for n in range(RELEASES) for revision in range(1, REVISIONS + 1)]
        subprocess.run([str(c) for c in cluster.send([stage])], check=True)
        rounds = max(3, min(bench.runs, 10))
        times, peaks, requests = {"nutkin": [], "helm": []}, {}, {}
        ways = {name: [program, "-n", space, "list", "-m", "0"]
                for name, program in (("nutkin", bench.nutkin), ("helm", bench.helm))}
        shown = {name: bench.output([*way, "-o", "json"]) for name, way in ways.items()}
        if json.loads(shown["nutkin"]) != json.loads(shown["helm"]):
            sys.exit("error: nutkin list and helm list show different things")
        for _ in range(rounds):
            for name, way in ways.items():
                times[name].append(bench.once([str(c) for c in way]))
        for name, way in ways.items():
            peaks[name] = bench.peak(way)
            requests[name] = counter.count(bench, way)
    finally:
        cluster.namespace(space, made=False)
    return summary(f"list of {RELEASES} releases, {REVISIONS} revisions each", times, peaks, requests)


def run(bench):
    chart(bench)
    cluster = Cluster(bench)
    counter = Counter(cluster, bench.folder)
    prefix = f"nutkin-bench-{os.getpid()}-{int(time.time()) % 100000}"
    rows = flow(bench, cluster, counter, prefix)
    rows.append(listing(bench, cluster, counter, prefix))
    return rows


def table(rows):
    """The rows for people."""
    lines = [("case", "", "wall ms", "CPU ms", "peak MiB", "requests", "")]
    for row in rows:
        for name in ("nutkin", "helm", *FLOORS):
            if name not in row:
                continue
            m = row[name]
            peak = f"{m['peak_kib'] / 1024:.1f}" if m["peak_kib"] else "-"
            note = ""
            if name == "helm":
                note = f"{row['helm_to_nutkin']} times nutkin's time"
            elif name in FLOORS:
                note = f"nutkin takes {m['nutkin_to_this']} times this"
            lines.append((row["case"] if name == "nutkin" else "", name, f"{m['wall_ms']:.0f}", f"{m['cpu_ms']:.0f}",
                          peak, str(m["requests"] or "-"), note))
    widths = [max(len(line[i]) for line in lines) for i in range(7)]
    return "\n".join("  ".join(c.ljust(w) if i in (0, 1, 6) else c.rjust(w)
                               for i, (c, w) in enumerate(zip(line, widths))).rstrip() for line in lines)
