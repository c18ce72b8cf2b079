"""A broker of our own for a benchmark, and eddy running on it."""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("EDDY_BUILD") or os.path.join(HERE, "../../../build/release")
STORIES = 300
CLOCK = os.sysconf("SC_CLK_TCK")


def vectors(dim):
    """Settings for documents that bring their vectors."""
    return ("embed.model=message", "document.vector=/vector", f"document.vector_dim={dim}")


# As Kafka's own script starts it, with the segments that Kafka itself makes: what is measured is no test's
# broker. With its small segments the log cleaner would be at work all the time.
JAVA = {"KAFKA_HEAP_OPTS": "-Xmx1G -Xms1G",
        "KAFKA_JVM_PERFORMANCE_OPTS": "-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 "
                                      "-XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent"}


class Broker:
    def __init__(self, folder):
        self.folder = folder
        self.address = self.kafka("up").strip()

    def kafka(self, *words):
        return subprocess.run([os.path.join(HERE, "../../kafka"), words[0], "--dir", self.folder, *words[1:]],
                              check=True, text=True, stdout=subprocess.PIPE, env={**os.environ, **JAVA}).stdout

    def start_bench(self, *words, **how):
        return subprocess.Popen([os.path.join(BUILD, "bench_kafka"), self.address, *map(str, words)], text=True,
                                **how)

    def bench(self, *words):
        """bench_kafka's answer."""
        process = self.start_bench(*words, stdout=subprocess.PIPE)
        out = process.communicate()[0]
        if process.returncode:
            sys.exit("bench_kafka %s ended with %d" % (words[0], process.returncode))
        return json.loads(out) if out.strip() else None

    def eddy(self, *settings, stderr=subprocess.PIPE):
        """Start `eddy run` with these settings."""
        words = [os.path.join(BUILD, "eddy"), "run", "-b", self.address]
        for setting in settings:
            words += ["--set", setting]
        return subprocess.Popen(words, stderr=stderr, text=True)

    def cpu(self):
        """Seconds of CPU that the broker has used."""
        with open(os.path.join(self.folder, "kafka.pid")) as f, open(f"/proc/{f.read().strip()}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK


def ended(process):
    """Wait for eddy's end: its account, what it said, and its CPU seconds."""
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 128 + signal.SIGTERM):
        sys.exit("eddy run ended with %d: %s" % (process.returncode, said[-2000:]))
    found = re.search(r"in ([\d,]+) = assigned ([\d,]+) \+ founded ([\d,]+) \+ filtered ([\d,]+) "
                      r"\+ dead ([\d,]+)", said)
    if not found:
        sys.exit("eddy run did not account for its documents: " + said[-2000:])
    account = dict(zip(("in", "assigned", "founded", "filtered", "dead"),
                       (int(g.replace(",", "")) for g in found.groups())))
    return account, said, usage.ru_utime + usage.ru_stime


def seen_by(watch, file):
    """End a `bench_kafka watch` into a file: pairs of when a document was visible and when it was sent,
    in microseconds, in the order of the topic; and its id."""
    watch.terminate()
    watch.wait()
    file.seek(0)
    return [(int(arrived), int(key.split("-")[0]), key) for arrived, key in map(str.split, file)]


def grown_until(file, most):
    """Wait until a file has not grown for 3 s, `most` seconds at most."""
    size, since, end = -1, time.monotonic(), time.monotonic() + most
    while time.monotonic() < min(since + 3, end):
        now = os.fstat(file.fileno()).st_size
        if now != size:
            size, since = now, time.monotonic()
        time.sleep(0.2)


class Latency:
    """From produce to visible to a read_committed consumer, in ms, at a steady rate: `eddy run` with
    these settings in a pipeline of this name, which reads a topic of the same name."""

    def __init__(self, broker, name, dim, per_s, seconds, *settings, warm=15):
        broker.bench("topic", name, 4)
        broker.bench("topic", name + ".assignments", 1)
        eddy = broker.eddy(f"source.topics={name}", f"pipeline={name}", "batch.wait=100ms", *vectors(dim),
                           *settings)
        with tempfile.TemporaryFile("w+") as seen:
            time.sleep(3)  # until it has its shard
            watch = broker.start_bench("watch", name + ".assignments", stdout=seen)
            time.sleep(1)
            fed = broker.bench("feed", name, f"{per_s:.0f}", warm + seconds, dim, STORIES, 2)
            grown_until(seen, 60)
            eddy.terminate()
            self.account, self.said, _ = ended(eddy)
            sent = seen_by(watch, seen)
        if not sent:
            sys.exit("none of the documents was seen; eddy said: " + self.said[-2000:])
        start = min(s for _, s, _ in sent) + warm * 1000000
        self.took = sorted((arrived - s) / 1000 for arrived, s, _ in sent if s >= start)
        self.late, self.unseen = fed["late"], fed["documents"] - len(sent)

    def at(self, percent):
        return self.took[min(len(self.took) * percent // 100, len(self.took) - 1)]
