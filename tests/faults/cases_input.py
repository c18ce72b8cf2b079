"""Rows 18 to 21 and 24: what is sent, and how much of it."""
import json
import os
import signal
import subprocess
import time

from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

import checker
from case import case, must, settle
from documents import POISON


# ---- 18 to 21: what is sent ----

@case("poison", "18", short=True)
def poison(run, long):
    """every kind of message that cannot be used, many in a row, and a kill among them"""
    run.load(300)
    messages = [(i % run.partitions, b"poison-%d" % i, value) for i, value in enumerate(POISON * 20)]
    run.rng.shuffle(messages)
    run.send(messages + run.documents.take(300) + messages)
    eddy = run.eddy()
    run.moves(eddy=eddy)
    eddy.kill()
    settle(run, run.eddy(), must_bite=False)


@case("oversize", "19")
def oversize(run, long):
    """messages of 2, 10 and 90 MB, and zeros that were small while packed"""
    big = str(101 << 20)
    run.cluster.admin().alter_configs([ConfigResource(ConfigResourceType.TOPIC, run.inputs[0],
                                                      configs={"max.message.bytes": big, "segment.bytes": big})])
    time.sleep(3)
    run.load(200)
    sizes = [2 << 20, 10 << 20] + [90 << 20] * bool(long)
    for i, size in enumerate(sizes):
        run.send([(i % run.partitions, b"poison-large%d" % i, b'{"text":"' + b"a b " * (size // 4))])
    run.load(200)
    packed = KafkaProducer(bootstrap_servers=run.cluster.address.split(","), compression_type="gzip", linger_ms=50,
                           batch_size=64 << 20, max_request_size=200 << 20)
    sent = [packed.send(run.inputs[0], bytes(700000), key=b"poison-zeros%d" % i, partition=0)
            for i in range(80 if long else 20)]
    packed.flush(60)
    for s in sent:
        at = s.get(10)
        run.loaded[0] = max(run.loaded[0], at.offset + 1)
    packed.close()
    run.load(200)
    eddy = run.eddy()
    run.moves(eddy=eddy)
    run.drain(eddy)
    run.n["rss_mb"] = eddy.rss() >> 20
    must(run.n["rss_mb"] < 700, f"{run.n['rss_mb']} MB resident")
    settle(run, eddy, must_bite=False)


@case("duplicates", "20", short=True, partitions=1)
def duplicates(run, long):
    """a tenth of the messages twice, as a producer that retries sends them: as if they had come once"""
    clean = run.documents.take(int(3000 * run.scale))
    messages = list(clean)
    for m in [m for m in clean if run.rng.random() < 0.1]:
        messages.insert(run.rng.randrange(len(messages)), m)
    # The judge's own idea of it: what can be used counts where it comes first.
    first, seen = [], set()
    for m in messages:
        if m[1].startswith(b"poison") or m[1] not in seen:
            first.append(m)
        seen.add(m[1])
    run.send(messages)
    eddy = run.eddy()
    run.moves(eddy=eddy)
    time.sleep(0.3)
    eddy.kill()
    settle(run, run.eddy(), must_bite=False)
    twin = run.other("clean", partitions=run.partitions)
    twin.topics(follow=False)
    twin.send(first)
    settle(twin, twin.eddy(), must_bite=False)
    for name, told in ("assignments", answers), ("changes", values), ("events", values):
        must(told(run, name) == told(twin, name), f"{name} are not those of the clean input")
    must(last_hash(run) == last_hash(twin), "the state is not that of the clean input")
    run.n["dropped"] = len(messages) - len(first)
    must(run.n["dropped"] and run.n["filtered"] == run.n["dropped"],
         f"{run.n['filtered']} are counted as filtered, {run.n['dropped']} are duplicates")


def values(run, kind):
    """Without the pipeline's name, which stands in ids."""
    return [json.loads(r.value.replace(run.pipeline.encode(), b"it")) for r in checker.read(run.cluster.address, f"{run.pipeline}.{kind}")]


def answers(run, kind):
    """Without where they stood, which duplicates shift."""
    return [{k: v for k, v in value.items() if k != "source"} for value in values(run, kind)]


def last_hash(run):
    heads = [checker.head(r.value) for r in checker.read(run.cluster.address, run.pipeline + ".state")
             if r.key == bytes(8)]
    return heads[-1]["hash"]


@case("times", "21")
def times(run, long):
    """documents from 1970, from in ten years, without a time, out of order"""
    messages = []
    for partition, key, value in run.documents.take(4000):
        if not key.startswith(b"poison"):
            d = json.loads(value)
            dice = run.rng.random()
            if dice < 0.02:
                d["ts"] = 0
            elif dice < 0.04:
                d["ts"] = int((time.time() + 10 * 365 * 86400) * 1000)
            elif dice < 0.06:
                del d["ts"]
            elif dice < 0.08:
                d["ts"] = "2024-03-31T02:30:00+01:00"
            elif dice < 0.2:
                d["ts"] -= run.rng.randint(0, 86400000)
            value = json.dumps(d).encode()
        messages.append((partition, key, value))
    run.send(messages)
    eddy = run.eddy()
    run.moves(eddy=eddy)
    time.sleep(0.2)
    eddy.kill()
    settle(run, run.eddy(), must_bite=False)


# ---- 24: a backlog ----

# What a backlog may cost: what is read ahead (32 MiB, however many partitions), what is on its way out
# (64 MiB), the batches between, librdkafka, the hashing embedder and a thousand events. Models and more
# events come on top.
BUDGET_MB = 300

@case("backlog", "24", partitions=16)
def backlog(run, long):
    """a million messages wait; a slow embedder, pauses; memory and membership stand"""
    total = 1000000 if long else 60000
    run.settings.append("document.duplicates=keep")  # there are 20,000 texts
    texts = run.documents.take(20000)
    began = time.monotonic()
    path = os.path.join(run.dir, "million")
    for p in range(run.partitions):
        with open(path, "wb") as f:
            for i in range(total // run.partitions):
                _, key, value = texts[(i * 16 + p) % len(texts)]
                if value is None or b"\n" in value or not value or key.startswith(b"poison"):
                    key, value = b"d0", texts[0][2]
                f.write(key + b"\t" + value + b"\n")
        subprocess.run(["kcat", "-q", "-b", run.cluster.address, "-P", "-t", run.inputs[0], "-p", str(p), "-K", "\t",
                        "-X", "linger.ms=20", "-l", path], check=True, timeout=300)
        run.loaded[p] = total // run.partitions
    os.unlink(path)
    run.n["load_s"] = int(time.monotonic() - began)
    eddy = run.faulty("batch.max=64", "kafka.max.poll.interval.ms=10000", EDDY_PAUSE_AT="filled:100")
    run.moves(eddy=eddy)
    worst = 0
    end = time.monotonic() + (120 if long else 25)
    while time.monotonic() < end:
        time.sleep(run.rng.uniform(1, 3))
        must(eddy.running(), f"eddy ended: {eddy.said()[-300:]}")
        worst = max(worst, eddy.rss())
        run.moves(eddy=eddy)
        if run.rng.random() < 0.1:
            eddy.signal(signal.SIGSTOP)
            time.sleep(2)
            eddy.signal(signal.SIGCONT)
    run.n["rss_mb"] = worst >> 20
    must(worst < BUDGET_MB << 20, f"{worst >> 20} MB resident with a backlog")
    must(not eddy.said("max.poll.interval|has left the group"), "it fell out of its group")
    eddy.end()
    run.check(at_rest=False, must_bite=False)
