#!/usr/bin/env python3
"""What must be there, judged from the topics alone, with a client that is not librdkafka.

    checker.py check  BROKERS PIPELINE INPUT... [--shards N] [--group G] [--follow FILE]
                      [--rehash PROGRAM [--set ...]] [--not-at-rest]     exit 1: something is wrong
    checker.py follow BROKERS FILE TOPIC...   reads committed records as they come, until standard
                      input ends, then to the end of the topics, and writes what it saw to FILE

The invariants are those of RELIABILITY 3:

    I1  every input offset is exactly once in assignments or dead letters, but for those that say
        again what an earlier one said (they are counted as filtered); and dead are the poisoned ones
        (those whose key begins with "poison"), no others
    I2  every committed head tells the hash that an independent replay of the assignments has after
        that many documents (tests/faults/rehash.c)
    I3  positions are 0, 1, 2 ... and each partition's offsets rise in their order
    I4  versions of an event rise by the log, each change is told once, lineage has no cycles
    I5  at rest the head's offsets, the group's and the ends of the input are the same
    I6  a reader that was there all the time saw what is there now, in this order

Records that only a read_uncommitted reader sees are counted: without them no fault hit a transaction.
"""
import argparse
import json
import struct
import subprocess
import sys
import time
import zlib
from collections import Counter, defaultdict

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

END_WITHIN = 120  # seconds without progress until a read is given up
SHOWN = 5  # examples of what is wrong
DEAD_PLACE = ["__connect.errors.topic", "__connect.errors.partition", "__connect.errors.offset"]


class Wrong(Exception):
    """What was promised and is not so."""


# ---- reading ----

def consumer(brokers, committed):
    return KafkaConsumer(bootstrap_servers=brokers.split(","), group_id=None, enable_auto_commit=False,
                         isolation_level="read_committed" if committed else "read_uncommitted",
                         auto_offset_reset="none", check_crcs=False, max_poll_records=5000,
                         metadata_max_age_ms=5000, reconnect_backoff_max_ms=1000,
                         max_partition_fetch_bytes=16 << 20)


def partitions_of(c, topic):
    until = time.monotonic() + 20
    while not (found := c.partitions_for_topic(topic)):
        if time.monotonic() > until:
            raise Wrong(f"topic {topic} does not exist")
        time.sleep(0.2)
    return sorted(found)


def read(brokers, topic, committed=True):
    """All records of a topic, in the order of each partition, from its beginning to its present end."""
    c = consumer(brokers, committed)
    try:
        all_of_it = [TopicPartition(topic, p) for p in partitions_of(c, topic)]
        c.assign(all_of_it)
        c.seek_to_beginning(*all_of_it)
        ends = c.end_offsets(all_of_it)
        at = {tp: c.position(tp) for tp in all_of_it}
        moved = time.monotonic()
        while any(at[tp] < ends[tp] for tp in all_of_it):
            for records in c.poll(500).values():
                yield from records
            now = {tp: c.position(tp) for tp in all_of_it}
            if now != at:
                at, moved = now, time.monotonic()
            if time.monotonic() - moved > END_WITHIN:
                raise Wrong(f"topic {topic}: no progress at {at}, ends {ends}")
    finally:
        c.close()


def bounds(brokers, topic, which):
    c = consumer(brokers, True)
    try:
        all_of_it = [TopicPartition(topic, p) for p in partitions_of(c, topic)]
        return {tp.partition: at for tp, at in getattr(c, which)(all_of_it).items()}
    finally:
        c.close()


def begins(brokers, topic):
    return bounds(brokers, topic, "beginning_offsets")


def ends(brokers, topic):
    return bounds(brokers, topic, "end_offsets")


def offsets_told(admin, group):
    """{(topic, partition): offset}, without one of its own where nothing is committed."""
    found = admin.list_group_offsets(group)
    found = found.get(group, found)
    return {(tp.topic, tp.partition): at.offset for tp, at in found.items() if at.offset >= 0}


def group_offsets(brokers, group):
    admin = KafkaAdminClient(bootstrap_servers=brokers.split(","))
    try:
        return offsets_told(admin, group)
    finally:
        admin.close()


def trace(record):
    """A record as the follower writes it down."""
    return [record.topic, record.partition, record.offset,
            zlib.crc32(repr((record.key, record.value)).encode())]


def follow(brokers, path, topics):
    import threading
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    c = consumer(brokers, True)
    all_of_it = [TopicPartition(t, p) for t in topics for p in partitions_of(c, t)]
    c.assign(all_of_it)
    c.seek_to_beginning(*all_of_it)
    last, began = None, None
    print("ready", flush=True)
    with open(path, "w") as out:
        while last is None or any(c.position(tp) < last[tp] for tp in all_of_it):
            if over.is_set() and last is None:
                last, began = c.end_offsets(all_of_it), time.monotonic()
            if began and time.monotonic() - began > END_WITHIN:
                sys.exit("follow: no end")
            for records in c.poll(200).values():
                out.writelines(json.dumps(trace(r)) + "\n" for r in records)


# ---- heads (src/journal/head.c) ----

class Unpack:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        value, = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return value

    def string(self):
        n = self.take("I")
        self.at += n
        return self.data[self.at - n:self.at].decode()


HEAD = [("epoch", "Q"), ("fingerprint", "Q"), ("hash", "Q"), ("documents", "Q"), ("stream_ms", "q"),
        ("change_position", "Q"), ("change_index", "I"), ("ended", "I"), ("assigned", "Q"),
        ("founded", "Q"), ("filtered", "Q"), ("dead", "Q"), ("owner", "Q"), ("shard", "i"),
        ("n_shards", "i"), ("state_next", "q"), ("pipeline", "s")]


def head(data):
    """The head of a shard, as a dict."""
    u = Unpack(data)
    h = {"magic": u.take("4s"), "version": u.take("I")}
    if h["magic"] != b"edhd" or h["version"] != 1:
        raise Wrong(f"a head of {h}: the checker reads version 1")
    for name, form in HEAD:
        h[name] = u.string() if form == "s" else u.take(form)
    h["written"] = [u.take("Q") for _ in range(u.take("I"))]
    h["offsets"] = {}
    for _ in range(u.take("I")):
        topic = u.string()
        partition = u.take("i")
        h["offsets"][topic, partition] = u.take("q")
    if u.at != len(data):
        raise Wrong(f"a head with {len(data) - u.at} bytes too many")
    h["flushed"] = h["ended"]
    return h


# ---- judging ----

def places(records):
    return {(r.topic, r.partition, r.offset) for r in records}


def some(things):
    things = list(things)
    return ", ".join(map(str, things[:SHOWN])) + (f" and {len(things) - SHOWN} more" if len(things) > SHOWN else "")


def rising(numbers, what):
    for a, b in zip(numbers, numbers[1:]):
        if b <= a:
            raise Wrong(f"{what}: {b} after {a}")


class Check:
    """One pipeline at one moment. found: what is wrong, a sentence each."""

    kinds = ["assignments", "dead", "changes", "events"]
    steps = ["i1", "i3", "i4", "i5", "i2", "i6", "extras"]

    def __init__(self, brokers, pipeline, inputs, shards=1, group=None, follow=None, rehash=None,
                 options=(), at_rest=True, state=True):
        self.brokers, self.pipeline, self.inputs = brokers, pipeline, inputs
        self.shards, self.group = shards, group or f"eddy-{pipeline}"
        self.follow, self.rehash, self.options, self.at_rest = follow, rehash, list(options), at_rest
        self.state = state
        self.found = []
        self.n = Counter()

    def topic(self, kind):
        return f"{self.pipeline}.{kind}"

    def run(self):
        self.load()
        for step in self.steps:
            try:
                getattr(self, step)()
            except Wrong as e:
                self.found.append(f"{step.upper()}: {e}")
        return self

    def load(self):
        self.input = {}
        for topic in self.inputs:
            for r in read(self.brokers, topic):
                self.input[r.topic, r.partition, r.offset] = r
        self.told = {kind: list(read(self.brokers, self.topic(kind))) for kind in self.kinds}
        self.assigned, self.dead = self.told["assignments"], self.told["dead"]
        self.changes, self.events = self.told["changes"], self.told["events"]
        self.values = [json.loads(r.value) for r in self.assigned]
        self.heads = defaultdict(list)
        if self.state:
            for r in read(self.brokers, self.topic("state")):
                self.n["records"] += 1
                if r.key == bytes(8) and r.value is not None:
                    self.heads[r.partition].append(head(r.value))
        self.n.update(input=len(self.input), assigned=len(self.assigned), dead=len(self.dead),
                      heads=sum(map(len, self.heads.values())))

    @staticmethod
    def source(value):
        s = value["source"]
        return s["topic"], s["partition"], s["offset"]

    @staticmethod
    def dead_source(r):
        h = dict(r.headers)
        topic, partition, offset = (h[name].decode() for name in DEAD_PLACE)
        return topic, int(partition), int(offset)

    def i1(self):
        answered = Counter(map(self.source, self.values))
        dead = Counter(map(self.dead_source, self.dead))
        poison = {at for at, r in self.input.items() if (r.key or b"").startswith(b"poison")}
        both = answered + dead
        dropped = self.dropped(answered)
        lost = self.input.keys() - both.keys() - dropped
        filtered = sum(heads[-1]["filtered"] for heads in self.heads.values())
        self.n.update(filtered=filtered)
        twice = [at for at, n in both.items() if n > 1]
        self.n.update(lost=len(lost) * self.at_rest, duplicated=sum(both[at] - 1 for at in twice))
        wrong = []
        if self.at_rest and self.state and filtered != len(dropped):
            wrong.append(f"{filtered} counted as filtered, {len(dropped)} duplicates: {some(sorted(dropped))}")
        if lost and self.at_rest:
            wrong.append(f"{len(lost)} of {len(self.input)} lost: {some(sorted(lost))}")
        if twice:
            wrong.append(f"{len(twice)} more than once: {some(sorted(twice))}")
        if foreign := both.keys() - self.input.keys():
            wrong.append(f"answered but never asked: {some(foreign)}")
        if mistaken := dead.keys() - poison:
            wrong.append(f"dead without a reason: {some(mistaken)}")
        if alive := poison & answered.keys():
            wrong.append(f"poison that was assigned: {some(alive)}")
        if wrong:
            raise Wrong("; ".join(wrong))

    def dropped(self, answered):
        """Messages that say again what one that is answered says: the first of them stands for all."""
        again = defaultdict(list)
        for at, r in self.input.items():
            if r.value and not (r.key or b"").startswith(b"poison"):
                again[r.value].append(at)
        dropped = set()
        for places in again.values():
            if len(places) > 1 and any(answered[at] for at in places):
                dropped.update(at for at in places if not answered[at])
                for at in places:
                    if answered[at] and any(not answered[b] and b[:2] == at[:2] and b < at for b in places):
                        raise Wrong(f"{at} is answered, an earlier one that is the same is not")
        return dropped

    def by_shard(self):
        shards = defaultdict(list)
        for value in self.values:
            shards[value["source"]["partition"] % self.shards].append(value)
        return shards

    def i3(self):
        for shard, values in self.by_shard().items():
            positions = [v["position"] for v in values]
            if positions != list(range(len(positions))):
                for i, at in enumerate(positions):
                    if i != at:
                        raise Wrong(f"shard {shard}: position {at} where {i} was due")
            partitions = defaultdict(list)
            for v in values:
                partitions[self.source(v)[:2]].append(v["source"]["offset"])
            for at, offsets in partitions.items():
                rising(offsets, f"offsets of {at} in assignments")

    def i4(self):
        into, parent, versions = {}, {}, defaultdict(list)
        for r in self.events:
            e = json.loads(r.value)
            versions[e["id"]].append(e["version"])  # ids are of all shards, and an id is of one partition
            into[e["id"]] = e.get("merged_into")
            parent[e["id"]] = e.get("parent") or parent.get(e["id"])
        for event, numbers in versions.items():
            rising(numbers, f"versions of {event}")
        for name, edges in ("merged_into", into), ("parent", parent):
            self.acyclic(name, edges)
        told = [json.loads(r.value) for r in self.changes]
        ids = Counter(c["id"] for c in told)
        if twice := [i for i, n in ids.items() if n > 1]:
            raise Wrong(f"changes told more than once: {some(twice)}")
        positions = [c["position"] for c in told if "position" in c]  # those of templates have none
        if self.shards == 1 and positions != sorted(positions):
            raise Wrong("changes are not in the order of the stream")

    @staticmethod
    def acyclic(name, edges):
        for start in edges:
            seen, at = set(), start
            while at is not None and at not in seen:
                seen.add(at)
                at = edges.get(at) or None
            if at is not None:
                raise Wrong(f"{name} of {start} comes back to {at}")

    def i5(self):
        if not self.at_rest:
            return
        end = {(t, p): n for t in self.inputs for p, n in ends(self.brokers, t).items() if n}
        group = {at: n for at, n in group_offsets(self.brokers, self.group).items() if n}
        if group != end:
            raise Wrong(f"group offsets {group}, ends of the input {end}")
        if self.state:
            told = {at: n for heads in self.heads.values() for at, n in heads[-1]["offsets"].items() if n}
            if told != end:
                raise Wrong(f"offsets of the heads {told}, ends of the input {end}")
            for shard, heads in self.heads.items():
                rising([h["epoch"] for h in heads], f"epochs of shard {shard}")

    def i2(self):
        if not self.state or not self.rehash:
            return
        shards = self.by_shard()
        for shard, heads in self.heads.items():
            told = self.replay(shards[shard], heads)
            for h in heads:
                self.n["compared"] += 1
                if told.get((h["documents"], h["flushed"])) != h["hash"]:
                    self.n["wrong_states"] += 1
            if self.n["wrong_states"]:
                first = next(h for h in heads if told.get((h["documents"], h["flushed"])) != h["hash"])
                raise Wrong(f"shard {shard}: {self.n['wrong_states']} of {len(heads)} heads have another hash than "
                            f"the replay, first epoch {first['epoch']} at {first['documents']} documents")

    def replay(self, values, heads):
        """{(documents, flushed): hash} of an independent run over the documents as they were assigned."""
        wanted = defaultdict(int)
        for h in heads:
            wanted[h["documents"]] |= 2 if h["flushed"] else 1
        lines = [b"ask 0 %d\n" % wanted[0]] if 0 in wanted else []
        for i, v in enumerate(values):
            at = self.source(v)
            r = self.input[at]
            lines.append(b"doc %s %d %d %d %d\n%s\n" %
                         (at[0].encode(), at[1], at[2], r.timestamp, len(r.value), r.value))
            if i + 1 in wanted:
                lines.append(b"ask %d %d\n" % (i + 1, wanted[i + 1]))
        args = [self.rehash, "run"] + [a for o in self.options for a in ("--set", o)]
        p = subprocess.run(args, input=b"".join(lines), capture_output=True, timeout=600)
        if p.returncode:
            raise Wrong(f"rehash: exit {p.returncode}: {p.stderr.decode()[-300:]}")
        told = {}
        for line in p.stdout.decode().splitlines():
            documents, flushed, value = line.split()
            told[int(documents), int(flushed)] = int(value, 16)
        return told

    def i6(self):
        if not self.follow:
            return
        with open(self.follow) as lines:
            seen = defaultdict(list)
            for line in lines:
                t = json.loads(line)
                seen[t[0], t[1]].append(t[2:])
        now = defaultdict(list)
        for r in sum(self.told.values(), []):
            t = trace(r)
            now[t[0], t[1]].append(t[2:])
        for at in now.keys() | seen.keys():
            if now[at] != seen[at]:
                raise Wrong(f"{at}: a reader saw {len(seen[at])} records, there are {len(now[at])}, "
                            "or others, or in another order")

    def extras(self):
        for kind in self.kinds + ["state"] * self.state:
            n = sum(1 for _ in read(self.brokers, self.topic(kind), committed=False))
            self.n["extras"] += n - (self.n["records"] if kind == "state" else len(self.told[kind]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    c = commands.add_parser("check")
    c.add_argument("brokers")
    c.add_argument("pipeline")
    c.add_argument("inputs", nargs="+")
    c.add_argument("--shards", type=int, default=1)
    c.add_argument("--group")
    c.add_argument("--follow")
    c.add_argument("--rehash")
    c.add_argument("--set", action="append", default=[], dest="options")
    c.add_argument("--not-at-rest", action="store_false", dest="at_rest")
    c.add_argument("--no-state", action="store_false", dest="state")
    f = commands.add_parser("follow")
    f.add_argument("brokers")
    f.add_argument("path")
    f.add_argument("topics", nargs="+")
    args = vars(parser.parse_args())
    if args.pop("command") == "follow":
        return follow(**args)
    check = Check(**args).run()
    print(json.dumps(check.n))
    for line in check.found:
        print(line)
    return 1 if check.found else 0


if __name__ == "__main__":
    sys.exit(main())
