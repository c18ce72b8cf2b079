"""Synthetic logs, the same for the same seed: four partitions, each with a layout of its own, of which
one changes amid the stream; records of several lines, those of two pods interleaved; and what is true
of each record, which no program had to find out."""
import json
import random
import time
from collections import defaultdict
from dataclasses import dataclass

from documents import BASE_MS, words

JAVA, SYSLOG, JSON, PODS = range(4)
STEP_MS = 150
LEVELS = {"DEBUG": "debug", "INFO": "info", "WARN": "warn", "ERROR": "error"}


@dataclass
class Record:
    """By the place of its first line."""
    form: int
    level: str  # None: the line does not tell, or nobody can know how it is read
    component: str
    time_ms: int
    raises: tuple  # what its stack trace names: that makes it another template
    lines: list  # offsets


@dataclass
class Form:
    """What a program says again and again: words, with numbers, paths and names between."""
    number: int
    component: str
    level: str
    parts: list
    named: bool  # a name of many stands in it: one template, once there were enough of them

    def say(self, rng, names):
        fill = {"<n>": lambda: str(rng.randrange(100000)),
                "<ip>": lambda: f"10.{rng.randrange(256)}.0.{rng.randrange(256)}",
                "<id>": lambda: f"{rng.getrandbits(64):016x}",
                "<path>": lambda: f"/var/{rng.randrange(99)}/data.{rng.randrange(999)}",
                "<name>": lambda: rng.choice(names)}
        return " ".join(fill[p]() if p in fill else p for p in self.parts)


def stamp(ms, form):
    return time.strftime(form, time.gmtime(ms // 1000))


class Logs:
    """n: records of all partitions."""

    partitions = 4
    mixed = {PODS}  # where a record may begin before another has ended

    def __init__(self, seed, n):
        self.rng = random.Random(f"logs {seed}")
        self.n_all, self.n = n, 0
        self.names = words(self.rng, 300)
        self.forms = []
        self.records = {}  # (partition, offset of the first line): Record
        self.loose = set()  # (partition, offset): lines of a layout that has yet to be learnt anew
        self.poison = set()
        self.next = [0] * self.partitions
        self.pods = defaultdict(list)  # lines that the other pod's may come between
        for _ in range(20):
            self.form_add()

    def form_add(self):
        rng = self.rng
        parts = words(rng, rng.randint(3, 7))
        slots = rng.choices(["<n>", "<ip>", "<id>", "<path>"], k=rng.randint(0, 2))
        named = rng.random() < 0.15
        for slot in slots + ["<name>"] * named:
            parts.insert(rng.randint(1, len(parts)), slot)
        self.forms.append(Form(len(self.forms), "".join(words(rng, 1)),
                               rng.choice(["INFO", "INFO", "DEBUG", "WARN", "ERROR"]), parts, named))

    # ---- lines of each layout ----

    def java(self, form, ms, text):
        rng = self.rng
        raises = ()
        lines = [f"{stamp(ms, '%Y-%m-%d %H:%M:%S')},{ms % 1000:03d} {form.level:5} [worker-{rng.randrange(9)}] "
                 f"com.acme.{form.component} - {text}"]
        if form.level == "ERROR" and rng.random() < 0.6:
            raises = "java.lang.IllegalStateException",
            lines.append(f"java.lang.IllegalStateException: pool {rng.randrange(99)} is gone")
            lines += [f"\tat com.acme.{form.component}.step(Pool.java:{rng.randrange(999)})"] * rng.randint(1, 6)
            if rng.random() < 0.5:
                raises += "java.io.IOException",
                lines += ["Caused by: java.io.IOException: Broken pipe",
                          f"\tat java.base/java.net.Socket.write(Socket.java:{rng.randrange(999)})", "\t... 3 more"]
        return lines, LEVELS[form.level], f"com.acme.{form.component}", raises

    def syslog(self, form, ms, text):
        line = f"{stamp(ms, '%b %e %H:%M:%S')} mill {form.component}[{self.rng.randrange(9999)}]: {text}"
        return [line], None, form.component, ()

    def logfmt(self, form, ms, text):
        line = (f"time={stamp(ms, '%Y-%m-%dT%H:%M:%S')}.{ms % 1000:03d}Z level={form.level.lower()} "
                f"logger={form.component} msg={json.dumps(text)}")
        return [line], None, None, ()

    def json(self, form, ms, text):
        line = {"timestamp": f"{stamp(ms, '%Y-%m-%dT%H:%M:%S')}.{ms % 1000:03d}Z", "level": form.level.lower(),
                "logger": form.component, "message": text}
        return [json.dumps(line)], LEVELS[form.level], form.component, ()

    def python(self, form, ms, text):
        rng = self.rng
        raises = ()
        lines = [f"{stamp(ms, '%Y-%m-%d %H:%M:%S')},{ms % 1000:03d} {form.component} {form.level} {text}"]
        if form.level == "ERROR" and rng.random() < 0.7:
            raises = "KeyError",
            lines.append("Traceback (most recent call last):")
            for _ in range(rng.randint(1, 4)):
                lines += [f'  File "/srv/{form.component}.py", line {rng.randrange(999)}, in run',
                          "    return self.step(item)"]
            lines.append(f"KeyError: {rng.randrange(99)}")
        return lines, LEVELS[form.level], form.component, raises

    # ---- messages ----

    def line(self, partition, ms, text, key=None):
        """One message; its offset."""
        self.out.append((partition, key, text, ms))
        self.next[partition] += 1
        return self.next[partition] - 1

    def pod_lines(self, some):
        """Lines of the pods that wait, in the order of each, however they mix; none for long, or its
        record would be taken for whole."""
        rng, late = self.rng, self.n - 2000 // STEP_MS
        while sum(map(len, self.pods.values())) > some or any(w and w[0][0] < late for w in self.pods.values()):
            pod = rng.choice([p for p in sorted(self.pods) if self.pods[p]])
            _, record, ms, text = self.pods[pod].pop(0)
            at = self.line(PODS, ms, text, pod)
            if not record.lines:
                self.records[PODS, at] = record
            record.lines.append(at)

    def record(self):
        """One more record, or something that is none."""
        rng = self.rng
        self.n += 1
        ms = BASE_MS + self.n * STEP_MS + rng.randrange(STEP_MS)
        if rng.random() < 0.01:
            ms -= 3600000  # a clock that is behind
        if rng.random() < 60 / self.n_all:
            self.form_add()
        if rng.random() < 0.01:
            partition = rng.choice([JAVA, SYSLOG, JSON])
            self.poison.add((partition, self.line(partition, ms, None, b"poison")))
            return
        form = self.forms[min(int(rng.expovariate(0.06)), len(self.forms) - 1)]
        text = form.say(rng, self.names)
        partition = rng.randrange(self.partitions)
        late = partition == SYSLOG and self.n > self.n_all * 0.6
        write = self.logfmt if late else [self.java, self.syslog, self.json, self.python][partition]
        lines, level, component, raises = write(form, ms, text)
        record = Record(form.number, level, component, ms - ms % 1000 if write == self.syslog else ms, raises, [])
        if partition == PODS:
            self.pods[rng.choice([b"pod-a", b"pod-b"])] += [(self.n, record, ms, line.encode()) for line in lines]
            return
        for line in lines:
            record.lines.append(self.line(partition, ms, line.encode()))
        if late:
            self.loose.update((partition, at) for at in record.lines)
        else:
            self.records[partition, record.lines[0]] = record

    def take(self):
        """All of it: (partition, key, value, time)."""
        self.out = []
        while self.n < self.n_all:
            self.record()
            self.pod_lines(6)
        self.pod_lines(0)
        return self.out
