"""Row 1 with alerts: a pipeline, who brings its alerts, and those who take them, all of whom fail."""
import http.server
import json
import random
import signal
import threading
import time
from collections import Counter
from datetime import datetime, timezone

import checker
from case import case, must
from checker import Check, Wrong, some
from harness import Eddy, Void, until

RULES = "alerts.rules=new kind=born, wide size>=5 severity=critical, grew kind=grew hold=10m"


# ---- those who take alerts ----

class Sink:
    """A webhook and an Alertmanager in one, which refuse, forget to answer, or are away; and kill who
    brings: before they have what it brings, when they have it, and when they have said so.

    kill: called for that. While calm everything is taken."""

    FAULTS = ["refuse", "deaf", "kill-before", "kill-amid", "kill-after"]
    WEIGHTS = [3, 3, 3, 4, 4]

    def __init__(self, seed, kill):
        self.rng, self.kill, self.calm, self.share = random.Random(seed), kill, False, 0.12
        self.hooked, self.posted, self.bit = [], [], Counter()
        self.lock = threading.Lock()
        self.server, self.port = None, 0
        self.up()

    def up(self):
        self.server = Door(("127.0.0.1", self.port), Taker)
        self.server.sink, self.port = self, self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def drawn(self):
        with self.lock:
            if self.calm or self.rng.random() >= self.share:
                return "take"
            fault = self.rng.choices(self.FAULTS, self.WEIGHTS)[0]
            self.bit[fault] += 1
            return fault

    def take(self, path, key, body):
        with self.lock:
            if path == "/hook":
                self.hooked.append((key, body))
            else:
                self.posted += [(time.time(), alert) for alert in body]


class Door(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # whoever asked was killed


class Taker(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        sink, body = self.server.sink, json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = sink.drawn()
        if fault == "kill-before":
            sink.kill()
        if fault in ("take", "deaf", "kill-amid", "kill-after"):
            sink.take(self.path, self.headers["Idempotency-Key"], body)
        if fault == "kill-amid":
            sink.kill()
        if fault in ("kill-before", "kill-amid", "deaf"):
            return
        self.send_response(503 if fault == "refuse" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        if fault == "kill-after":
            self.wfile.flush()
            sink.kill()

    def log_message(self, *_):
        pass


class Bells:
    """eddy alert, started again whenever it is dead."""

    def __init__(self, run):
        self.run, self.over = run, threading.Event()
        self.now = None
        self.sink = Sink(f"sink {run.seed}", self.kill)
        self.settings = [f"alerts.webhook=http://127.0.0.1:{self.sink.port}/hook",
                         f"alerts.alertmanager=http://127.0.0.1:{self.sink.port}", "alerts.resend=1s"]
        self.thread = threading.Thread(target=self.keep, daemon=True)
        self.thread.start()

    def kill(self):
        self.now.kill()

    def keep(self):
        while not self.over.is_set():
            if not self.now or not self.now.running():
                self.now = Eddy(self.run, self.settings, command="alert")
            time.sleep(0.02)

    def while_away(self):
        """Nobody takes anything, until that was noticed."""
        self.sink.down()
        until("eddy alert asks in vain", 30, lambda: self.now and self.now.said("connect .*once more"), 0.05)
        self.sink.up()

    def end(self):
        """In order."""
        self.over.set()
        self.thread.join()
        code = self.now.end()
        must(code == 128 + signal.SIGTERM, f"eddy alert: exit {code}: {self.now.said()[-300:]}")
        self.sink.down()


# ---- the judge ----

class AlertCheck(Check):
    """bells: those who brought them."""

    kinds = Check.kinds + ["alerts"]
    steps = Check.steps + ["alerts", "hooked", "posted"]

    def __init__(self, *args, bells, **more):
        super().__init__(*args, **more)
        self.sink = bells.sink

    def alerts(self):
        """Each is told once, under the next number, and begins before it ends; and they are about what
        the changes and pictures say that they must be about."""
        self.messages = [self.value(r) for r in self.told["alerts"]]
        self.n.update(alerts=len(self.messages))
        ids = [m["id"] for m in self.messages]
        if ids != [f"{self.pipeline}-alert-{i + 1}" for i in range(len(ids))]:
            twice = [i for i, n in Counter(ids).items() if n > 1]
            raise Wrong(f"{len(ids)} alerts, not numbered from 1 on; twice: {some(twice)}")
        active = set()
        for m in self.messages:
            if m["state"] == "resolved":
                if self.subject(m) not in active:
                    raise Wrong(f"it ends, and never began: {m}")
                active.remove(self.subject(m))
            else:
                active.add(self.subject(m))
        self.active = active
        told = {self.subject(m) for m in self.messages}
        moved = {self.subject(m) for m in self.messages if m.get("from")}  # with an event that was merged
        wanted = {({"born": "new", "grew": "grew"}[c["kind"]], c["event"]) for c in map(self.value, self.changes)
                  if c["kind"] in ("born", "grew")}
        wanted |= {("wide", e["id"]) for e in map(self.value, self.events)
                   if e["id"][0] == "E" and e.get("size", 0) >= 5}
        if wanted - told or told - wanted - moved:
            raise Wrong(f"no alert of {some(wanted - told)}; no reason for {some(told - wanted - moved)}")

    @staticmethod
    def value(r):
        return json.loads(r.value)

    @staticmethod
    def subject(m):
        return m["rule"], m["event"]

    def hooked(self):
        """Each at least once, in their order, and the same under the same key each time."""
        by_id = {m["id"]: m for m in self.messages}
        seen = Counter(key for key, _ in self.sink.hooked)
        self.n.update(brought=len(self.sink.hooked), repeated=sum(n - 1 for n in seen.values()))
        if missing := by_id.keys() - seen.keys():
            raise Wrong(f"{len(missing)} of {len(by_id)} alerts were never brought: {some(sorted(missing))}")
        if foreign := seen.keys() - by_id.keys():
            raise Wrong(f"brought, but never told: {some(foreign)}")
        if other := [key for key, body in self.sink.hooked if body != by_id[key]]:
            raise Wrong(f"another body than was told: {some(other)}")
        if list(seen) != list(by_id):  # by when they first came
            raise Wrong("they came in another order")

    def posted(self):
        """Alertmanager has heard of each subject, and what it heard last is so."""
        last = {}
        for at, alert in self.sink.posted:
            ends = datetime.fromisoformat(alert["endsAt"].replace("Z", "+00:00")).astimezone(timezone.utc).timestamp()
            last[alert["labels"]["alertname"], alert["labels"]["event"]] = ends > at
        told = set(map(self.subject, self.messages))
        if last.keys() != told:
            raise Wrong(f"Alertmanager: {some(told - last.keys())} are missing, "
                        f"{some(last.keys() - told)} were not told")
        shown = {subject for subject, is_active in last.items() if is_active}
        if shown != self.active:
            raise Wrong(f"Alertmanager: {some(self.active - shown)} should be active, "
                        f"{some(shown - self.active)} should not")


# ---- the case ----

def all_brought(run, bells):
    """The mark of eddy alert is behind the last message, and what is active was sent again since."""
    messages = list(checker.read(run.cluster.address, run.pipeline + ".alerts"))
    until("all alerts are brought", 90, lambda: checker.offsets_told(run.cluster.admin(), run.group + "-alerts").get(
        (run.pipeline + ".alerts", 0), 0) > messages[-1].offset, 0.3)
    since = len(bells.sink.posted)
    until("what is active is sent again", 30, lambda: len(bells.sink.posted) > since)


@case("alerts", "1, alerts", short=True, more_outputs=["alerts"])
def alerts(run, long):
    """pipeline, eddy alert and those who take its alerts fail: none is lost, repeats keep their key"""
    run.settings.append(RULES)
    run.load(1500)
    bells = Bells(run)
    try:
        for i in range(60 if long else 6):
            run.busy()
            eddy = run.eddy()
            run.moves(eddy=eddy)
            if i % 4 == 2:
                bells.while_away()
                run.n["away"] += 1
            time.sleep(run.rng.uniform(0, 1.5))
            if run.rng.random() < 0.3:
                bells.kill()
            eddy.kill()
        eddy = run.eddy()
        run.drain(eddy)
        eddy.end()
        bells.sink.calm = True
        all_brought(run, bells)
    finally:
        bells.end()
    run.check(judge=AlertCheck, bells=bells)
    run.n.update(bells.sink.bit)
    if not run.n["repeated"] or not all(bells.sink.bit[fault] for fault in Sink.FAULTS):
        raise Void(f"nothing was brought twice, or not all went wrong that could: {dict(bells.sink.bit)}")
