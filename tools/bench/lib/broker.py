"""A broker of our own for a benchmark, and eddy running on it."""
import json
import os
import re
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("EDDY_BUILD") or os.path.join(HERE, "../../../build/release")
STORIES = 300
CLOCK = os.sysconf("SC_CLK_TCK")


def vectors(dim):
    """Settings for documents that bring their vectors."""
    return ("embed.model=message", "document.vector=/vector", f"document.vector_dim={dim}")


class Broker:
    def __init__(self, folder):
        self.folder = folder
        self.address = self.kafka("up").strip()

    def kafka(self, *words):
        return subprocess.run([os.path.join(HERE, "../../kafka"), words[0], "--dir", self.folder, *words[1:]],
                              check=True, text=True, stdout=subprocess.PIPE).stdout

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
