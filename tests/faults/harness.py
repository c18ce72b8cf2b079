"""What the cases stand on: brokers, the proxy between, eddy itself, its input, and the judgement.

Everything that waits has a bound; processes are ended by their own pid; every file is below WORK."""
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

import checker
from documents import Documents

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "../.."))
BUILD = os.environ.get("EDDY_BUILD", os.path.join(ROOT, "build/dev"))
WORK = os.path.join(BUILD, "faults")
EDDY = os.environ.get("EDDY_PROGRAM", os.path.join(BUILD, "eddy"))
FAULTY = os.path.join(BUILD, "tests/eddy_faulty")
BARE = os.path.join(BUILD, "tests/bare")
CLOCK = os.path.join(BUILD, "tests/libclock.so")
REHASH = os.path.join(BUILD, "tests/rehash")
SLOW = float(os.environ.get("EDDY_SLOW", "1"))
# What the state depends on; shards share the false alarms that are promised.
OF_STATE = ("engine.", "signals.", "embed.", "document.", "state.shards=")
OUTPUTS = ["assignments", "dead", "changes", "events"]
DAY_MS = str(86400000 * 30)


class Failure(Exception):
    """A case that did not go as promised."""


class Void(Failure):
    """The faults did not bite: such a run proves nothing."""


def until(what, within, true, every=0.05):
    """Wait until true() is; its value."""
    end = time.monotonic() + within * SLOW
    while not (value := true()):
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {within * SLOW:.0f} s")
        time.sleep(every)
    return value


# ---- brokers ----

class Cluster:
    """Brokers of tools/kafka in one folder."""

    def __init__(self, name, brokers=1, folder=None):
        self.dir, self.brokers = folder or os.path.join(WORK, "kafka-" + name), brokers
        self.tool("down")
        self.address = self.tool("up", "--brokers", str(brokers), "--proxy").strip()
        with open(self.dir + "/kafka.ports") as f:
            self.ports = [line.split() for line in f]
        # Through these a client is led to the proxy (it is told the advertised addresses).
        self.proxied = ",".join(f"127.0.0.1:{p[3]}" for p in self.ports)
        self.proxy = None
        self.admin_now = None

    def tool(self, command, *args, within=300):
        p = subprocess.run([ROOT + "/tools/kafka", command, "--dir", self.dir, *args],
                           capture_output=True, text=True, timeout=within)
        if p.returncode:
            raise Failure(f"tools/kafka {command}: {p.stderr[-500:]}")
        return p.stdout

    def kill(self, n=1):
        self.tool("kill", str(n))

    def stop(self, n=1):
        self.tool("stop", str(n))

    def start(self, n=1):
        self.tool("start", str(n))

    def pid(self, n=1):
        with open(f"{self.dir}/kafka{'' if n == 1 else f'-{n}'}.pid") as f:
            return int(f.read())

    def admin(self):
        if not self.admin_now:
            self.admin_now = KafkaAdminClient(bootstrap_servers=self.address.split(","))
        return self.admin_now

    def forget(self):
        """The connection that the administrator holds may be of no use any more."""
        admin, self.admin_now = self.admin_now, None
        if admin:
            admin.close()

    def net(self):
        """The proxy, passing everything on; started when first asked for."""
        if not self.proxy:
            self.proxy = Proxy(self.dir + "/kafka.ports")
        self.proxy.command("pass")
        return self.proxy

    def down(self):
        if self.proxy:
            self.proxy.end()
        self.forget()
        self.tool("down")


class Proxy:
    """proxy.py, and the events that it tells."""

    def __init__(self, ports):
        self.process = subprocess.Popen([sys.executable, HERE + "/proxy.py", ports], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.events, self.answers = [], []
        threading.Thread(target=self.listen, daemon=True).start()
        until("the proxy's start", 10, lambda: self.answers)

    def listen(self):
        for line in self.process.stdout:
            word, _, rest = line.strip().partition(" ")
            (self.events if word == "event" else self.answers).append(rest if word == "event" else line.strip())

    def command(self, text):
        n = len(self.answers)
        self.process.stdin.write(text + "\n")
        answer = until(f"the proxy's answer to {text}", 60, lambda: self.answers[n:n + 1], 0.002)[0]
        if not answer.startswith("ok"):
            raise Failure(f"proxy: {text}: {answer}")
        return answer.split()[1:]

    def event(self, start, within):
        """The first event that begins so."""
        return until(f"the proxy's event {start}", within,
                     lambda: next((e for e in self.events if e.startswith(start)), None))

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()


# ---- disks ----

class Tmpfs:
    """A small file system at a folder; needs root."""

    def __init__(self, folder, size):
        if os.geteuid():
            raise Void("a small file system needs root")
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["umount", folder], stderr=subprocess.DEVNULL)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)

    def fill(self):
        with open(self.folder + "/filler", "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(4096))
            except OSError:
                pass

    def free(self):
        os.unlink(self.folder + "/filler")

    def remount(self, how):
        subprocess.run(["mount", "-o", f"remount,{how}", self.folder], check=True)

    def end(self):
        subprocess.run(["umount", "-l", self.folder])


# ---- eddy ----

class Eddy:
    """One process of eddy run, or of another of its commands."""

    def __init__(self, run, settings=(), env=None, program=None, prefix=(), broker=None, command="run"):
        run.n_started += 1
        self.run = run
        self.log_path = os.path.join(run.dir, f"eddy-{run.n_started}.log")
        args = [*prefix, program or run.program, command, "-b", broker or run.broker]
        for topic in run.inputs * (command == "run"):
            args += ["-t", topic]
        for setting in run.settings + list(settings):
            args += ["--set", setting]
        self.log = open(self.log_path, "wb")
        self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        cwd=run.dir, env={**os.environ, **(env or {})})
        self.pid = self.process.pid
        self.started = time.monotonic()
        run.processes.append(self)

    def running(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def kill(self):
        """kill -9; counted when it was alive."""
        if self.running():
            self.run.n["kills"] += 1
            self.process.kill()
        return self.process.wait()

    def end(self, within=15):
        """SIGTERM, and its exit code; kill -9 and a failure when it does not go."""
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(within * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"eddy did not end within {within * SLOW:.0f} s of SIGTERM ({self.log_path})") from None

    def wait(self, within):
        try:
            return self.process.wait(within * SLOW)
        except subprocess.TimeoutExpired:
            raise Failure(f"eddy did not end by itself within {within * SLOW:.0f} s ({self.log_path})") from None

    def stopped(self):
        """It is in SIGSTOP."""
        with open(f"/proc/{self.pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] == "T"

    def said(self, pattern=None):
        with open(self.log_path, errors="replace") as f:
            text = f.read()
        return text if pattern is None else re.search(pattern, text)

    def rss(self):
        """Resident bytes at most so far."""
        try:
            with open(f"/proc/{self.pid}/status") as f:
                found = re.search(r"VmHWM:\s+(\d+) kB", f.read())
            return int(found[1]) * 1024 if found else 0
        except OSError:
            return 0


# ---- a case at work ----

class Run:
    """A pipeline of its own on a cluster: topics, documents, processes, judgement.

    scale: of the numbers of documents that a case asks for. within: the run that it serves."""

    def __init__(self, cluster, name, seed, try_number=1, partitions=4, shards=1, documents=None, scale=1,
                 more_outputs=(), within=None):
        self.cluster, self.name, self.seed, self.try_number, self.scale = cluster, name, seed, try_number, scale
        self.rng = random.Random(f"{name} {seed} {try_number}")
        self.pipeline = f"f-{name}-{seed}-{try_number}-{int(time.time()) % 100000}"
        self.dir = os.path.join(within.dir if within else WORK, self.pipeline)
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        self.partitions, self.shards = partitions, shards
        self.inputs = [self.pipeline + ".in"]
        self.outputs = OUTPUTS + list(more_outputs)
        self.group = "eddy-" + self.pipeline
        self.state_dir = os.path.join(self.dir, "state")
        self.broker, self.program = cluster.address, EDDY
        self.settings = ["pipeline=" + self.pipeline, "embed.model=hash", "batch.max=16", "batch.wait=20ms",
                         "source.instance=one", f"state.dir={self.state_dir}", f"state.shards={shards}",
                         "kafka.session.timeout.ms=6000", "kafka.heartbeat.interval.ms=1000"]
        self.documents = documents or Documents(f"{seed}", partitions=partitions)
        self.loaded = {}
        self.n = Counter()
        self.n_started = 0
        self.processes = []
        self.notes = []
        self.others = []
        self.producer = self.watcher = self.follower = None

    def other(self, name, **more):
        """One more pipeline, which ends with this one."""
        self.others.append(Run(self.cluster, f"{self.name}-{name}", self.seed, self.try_number, scale=self.scale,
                               within=self, **more))
        return self.others[-1]

    def note(self, text):
        self.notes.append(text)

    # ---- topics and documents ----

    def topics(self, follow=True, of=None):
        """Make all topics: input, outputs, state; none is ever compacted while we look. of: the run
        whose input we read, too."""
        whole = {"retention.ms": "-1"}
        compacted = {"cleanup.policy": "compact", "min.compaction.lag.ms": DAY_MS, "max.compaction.lag.ms": DAY_MS,
                     "delete.retention.ms": DAY_MS}
        replicas = self.cluster.brokers
        if of:
            self.inputs, self.loaded = of.inputs, of.loaded
        self.cluster.admin().create_topics(
            [NewTopic(t, self.partitions, replicas, topic_configs=whole) for t in self.inputs * (not of)] +
            [NewTopic(f"{self.pipeline}.{t}", 1, replicas,
                      topic_configs=compacted if t in ("events", "templates") else whole)
             for t in self.outputs] +
            [NewTopic(self.pipeline + ".state", self.shards, replicas, topic_configs=compacted)])
        if follow:
            self.follow_path = os.path.join(self.dir, "followed")
            self.follower = subprocess.Popen(
                [sys.executable, HERE + "/checker.py", "follow", self.cluster.address, self.follow_path,
                 *(f"{self.pipeline}.{t}" for t in self.outputs)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.follower.stdout.readline()

    def send(self, messages):
        """Messages into the input, waited for: (partition, key, value), or with a time in ms."""
        if not self.producer:
            self.producer = KafkaProducer(bootstrap_servers=self.cluster.address.split(","), linger_ms=5, acks="all",
                                          max_request_size=200 << 20)
        sent = [self.producer.send(self.inputs[0], value, key=key, partition=partition,
                                   timestamp_ms=at[0] if at else None)
                for partition, key, value, *at in messages]
        self.producer.flush(120)
        for s in sent:
            at = s.get(60)
            self.loaded[at.partition] = max(self.loaded.get(at.partition, 0), at.offset + 1)

    def load(self, n):
        self.send(self.documents.take(int(n * self.scale)))

    def committed(self):
        """Messages that the group has answered, and how many there are."""
        try:
            offsets = checker.offsets_told(self.cluster.admin(), self.group)
        except Exception:  # a broker that is down, a coordinator on its way elsewhere
            self.cluster.forget()
            return None
        return sum(min(offsets.get((self.inputs[0], p), 0), n) for p, n in self.loaded.items())

    def behind(self):
        done = self.committed()
        return None if done is None else sum(self.loaded.values()) - done

    def busy(self, room=1500, portion=1500):
        """There is enough to do for a while."""
        behind = self.behind()
        if behind is not None and behind < room * self.scale:
            self.load(portion)

    def written(self):
        """End of the assignments, open transactions included."""
        if not self.watcher:
            self.watcher = KafkaConsumer(bootstrap_servers=self.cluster.address.split(","), group_id=None,
                                         isolation_level="read_uncommitted", enable_auto_commit=False)
        try:
            tp = TopicPartition(self.pipeline + ".assignments", 0)
            return self.watcher.end_offsets([tp])[tp]
        except Exception:
            return None

    def moves(self, within=30, eddy=None):
        """Wait until more is written than now; seconds it took. The mark of an abort is no progress,
        and where all is answered there is none: then there comes more to answer."""
        start, began = None, time.monotonic()
        look = began + 2

        def more():
            nonlocal start, look
            now = self.written()
            if start is None:
                start = now
            if now is not None and time.monotonic() > look:
                self.busy(1, 400)
                look = time.monotonic() + 2
            if eddy and not eddy.running():
                raise Failure(f"eddy ended with {eddy.process.returncode} ({eddy.log_path}): {eddy.said()[-400:]}")
            return start is not None and now is not None and now > start + 1
        until("progress", within, more, 0.01)
        return time.monotonic() - began

    def drain(self, eddy, within=60):
        """Wait until everything that was loaded is answered."""
        last, since, end = None, time.monotonic(), time.monotonic() + 10 * within * SLOW
        while True:
            behind = self.behind()
            if behind == 0:
                return
            if behind != last and behind is not None:
                last, since = behind, time.monotonic()
            if not eddy.running():
                raise Failure(f"eddy ended with {eddy.process.returncode} ({eddy.log_path}): {eddy.said()[-400:]}")
            if time.monotonic() - since > within * SLOW or time.monotonic() > end:
                raise Failure(f"{behind} messages wait, without progress for {within * SLOW:.0f} s ({eddy.log_path})")
            time.sleep(0.2)

    # ---- processes ----

    def eddy(self, *settings, **more):
        return Eddy(self, settings, **more)

    def faulty(self, *settings, **variables):
        return Eddy(self, settings, env=variables, program=FAULTY)

    # ---- judgement ----

    def check(self, at_rest=True, must_bite=True, judge=checker.Check, **more):
        """Judge; a Failure when something is wrong, or void when nothing bit."""
        if self.follower:
            self.follower.stdin.close()
            self.follower.wait(checker.END_WITHIN + 60)
        result = judge(self.cluster.address, self.pipeline, self.inputs, shards=self.shards, group=self.group,
                               follow=self.follower and self.follow_path,
                               rehash=REHASH if os.path.exists(REHASH) else None,
                               options=[s for s in self.settings if s.startswith(OF_STATE)],
                               at_rest=at_rest, **more).run()
        self.n.update(result.n)
        if result.found:
            raise Failure("; ".join(result.found))
        if must_bite and not self.n["extras"]:
            raise Void("no record that only a read_uncommitted reader sees")
        return result

    def stacks(self):
        """What the threads of those who still run are at, where there is a gdb."""
        for p in sum([other.processes for other in self.others], self.processes):
            if p.running() and shutil.which("gdb"):
                with open(os.path.join(self.dir, f"stacks-{p.pid}"), "w") as out:
                    try:
                        subprocess.run(["gdb", "-p", str(p.pid), "-batch", "-ex", "thread apply all bt"], stdout=out,
                                       stderr=subprocess.DEVNULL, timeout=60)
                    except subprocess.TimeoutExpired:
                        pass

    def close(self, keep):
        for other in self.others:
            other.close(keep)
        for p in self.processes:
            if p.running():
                p.process.kill()
                p.process.wait()
            p.log.close()
        if self.follower and self.follower.poll() is None:
            self.follower.kill()
            self.follower.wait()
        for c in self.producer, self.watcher:
            if c:
                c.close()
        if not keep:
            shutil.rmtree(self.dir, ignore_errors=True)
            try:
                self.cluster.admin().delete_topics(
                    self.inputs + [f"{self.pipeline}.{t}" for t in self.outputs + ["state"]], raise_errors=False)
            except Exception:  # it is only tidiness
                pass

