"""Rows 10 to 12, 27 and 28: the local store, the state topic, other versions and models."""
import os
import re
import subprocess
import time

from kafka import KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.errors import KafkaError

import checker
from case import case, must, refused, settle
from harness import OUTPUTS, Void, until


# ---- 10: the local store ----

def store_files(run):
    return [os.path.join(folder, f) for folder, _, files in os.walk(run.state_dir) for f in files
            if not f.endswith(".lock")]


def mutate(rng, path, others):
    """Something that happens to files."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    how = rng.choice(["flip", "flip", "cut", "zero", "head", "version", "foreign", "double", "empty", "noise"])
    if how == "flip" and data:
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif how == "cut":
        del data[rng.randrange(len(data) + 1):]
    elif how == "zero" and data:
        at = rng.randrange(len(data))
        data[at:at + 4096] = bytes(len(data[at:at + 4096]))
    elif how == "head":
        data[:8] = b"someelse"
    elif how == "version":
        data[8:12] = (999).to_bytes(4, "little")
    elif how == "foreign" and others:
        data = bytearray(rng.choice(others))
    elif how == "double":
        data = data * 2
    elif how == "empty":
        data = bytearray()
    elif how == "noise":
        data[12:] = rng.randbytes(len(data))
    with open(path, "wb") as f:
        f.write(data)
    return how


@case("store-damaged", "10", short=True)
def store_damaged(run, long):
    """the local store is damaged in every way between two lives: refused, and read from the topic"""
    run.load(2000)
    others = []
    eddy = run.eddy()
    run.moves(eddy=eddy)
    time.sleep(1)
    eddy.kill()
    must(store_files(run), "there is no store")
    for _ in range(60 if long else 10):
        for path in store_files(run):
            with open(path, "rb") as f:
                others = (others + [f.read()])[-5:]  # an older one of ours is foreign to the topic's end
            run.n["mutations " + mutate(run.rng, path, others)] += 1
        run.busy(800, 800)
        eddy = run.eddy()
        run.moves(eddy=eddy)
        time.sleep(run.rng.uniform(0, 0.4))
        eddy.kill()
    settle(run, run.eddy(), must_bite=False)


# ---- 11: the state topic ----

def worked(run):
    """A pipeline that has run for a while and was ended."""
    run.load(1500)
    eddy = run.eddy()
    run.drain(eddy)
    eddy.end()
    run.load(300)
    return run.written()


def policy(admin, topic, value):
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic,
                                        configs={"cleanup.policy": value, "retention.ms": "-1"})])


@case("state-gone", "11", short=True)
def state_gone(run, long):
    """the state topic was deleted, cut, or made anew: never an empty start in silence"""
    before = worked(run)
    admin = run.cluster.admin()  # not before: one that was refused once has been given up
    state = run.pipeline + ".state"
    end = checker.ends(run.cluster.address, state)[0]

    def cut(at):  # Kafka lets nobody cut a topic that is only compacted
        def begins_there():
            try:
                admin.delete_records({TopicPartition(state, 0): at})
            except KafkaError:  # it does not know yet that it may
                return False
            return checker.begins(run.cluster.address, state)[0] >= at
        policy(admin, state, "compact,delete")
        until(f"the cut of {state}", 20, begins_there, 0.5)
        policy(admin, state, "compact")

    def away():
        admin.delete_topics([state], raise_errors=False)
        return state not in admin.list_topics()

    # Its beginning was cut off: records are missing, the newest head is there.
    cut(end - 40)
    subprocess.run(["rm", "-rf", run.state_dir], check=True)
    refused(run, run.eddy(), re.escape(state), "cut at its beginning")
    # All of it was cut off.
    cut(end)
    refused(run, run.eddy(), re.escape(state), "cut to nothing")
    # Deleted, and made anew by eddy itself or by a person.
    until(f"the end of {state}", 20, away, 0.5)
    refused(run, run.eddy(), re.escape(state), "deleted")
    until(f"the end of {state}", 20, away, 0.5)
    admin.create_topics([NewTopic(state, 3, 1, topic_configs={"cleanup.policy": "compact"})])
    until(f"three partitions of {state}", 20, lambda: len(checker.ends(run.cluster.address, state)) == 3)
    refused(run, run.eddy(), re.escape(state), "with other partitions")
    until(f"the end of {state}", 20, away, 0.5)
    must(run.written() == before, "something was written all the same")
    # The way out: another name for the pipeline.
    other = run.eddy(f"pipeline={run.pipeline}-anew", f"state.dir={run.state_dir}-anew")
    until("documents under another name", 30, lambda: checker.group_offsets(run.cluster.address, run.group + "-anew"))
    other.end()
    run.cluster.admin().delete_topics([f"{run.pipeline}-anew.{t}" for t in OUTPUTS + ["state"]], raise_errors=False)


@case("state-forgotten", "11")
def state_forgotten(run, long):
    """what is void of the state topic is deleted, amid kills: it restores from what is left"""
    state = run.pipeline + ".state"
    policy(run.cluster.admin(), state, "compact,delete")  # as eddy itself makes it
    run.settings.append("batch.max=128")
    lost = 0
    run.load(3000)
    for i in range(60 if long else 16):
        run.busy(12000, 12000)
        eddy = run.eddy(*run.rng.choice([["state.dir="], []]))
        run.moves(eddy=eddy)
        time.sleep(run.rng.uniform(1, 8))
        must(eddy.running(), f"eddy ended with {eddy.process.returncode}: {eddy.said()[-400:]}")
        eddy.kill()
        begins = checker.begins(run.cluster.address, state)[0]
        run.n["cuts"] += begins > lost
        lost = begins
    settle(run, run.eddy("state.dir="))
    run.n["forgotten"] = lost
    if run.n["cuts"] < 2:
        raise Void(f"the state topic begins at {lost}")


# ---- 12: more partitions ----

@case("more-partitions", "12")
def more_partitions(run, long):
    """the input gets more partitions while we read"""
    run.load(1000)
    eddy = run.eddy("kafka.topic.metadata.refresh.interval.ms=5000")
    run.moves(eddy=eddy)
    run.cluster.admin().create_partitions({run.inputs[0]: NewPartitions(run.partitions + 3)})
    run.documents.partitions += 3
    time.sleep(2)
    run.producer.close()  # it knows the old number
    run.producer = None
    run.load(2000)
    run.drain(eddy, within=100)
    eddy.kill()
    run.load(500)
    settle(run, run.eddy(), must_bite=False)


# ---- 27, 28: other versions, other models ----

@case("newer-format", "27", short=True)
def newer_format(run, long):
    """a state topic that a newer eddy wrote is refused, and left as it is"""
    before = worked(run)
    producer = KafkaProducer(bootstrap_servers=run.cluster.address.split(","))
    state = run.pipeline + ".state"
    producer.send(state, b"edhd" + (99).to_bytes(4, "little") + bytes(200), key=bytes(8), partition=0).get(10)
    producer.close()
    refused(run, run.eddy(), r"(?i)newer|version|format", "a newer head")
    refused(run, run.eddy("state.dir="), r"(?i)newer|version|format", "a newer head, without a store")
    must(run.written() == before, "something was written all the same")


@case("other-model", "28", short=True)
def other_model(run, long):
    """another model, or other options of the engine, under a state that is there: refused"""
    before = worked(run)
    for setting in "embed.model=none", "engine.detail=5", "engine.dense_weight=0.3":
        refused(run, run.eddy(setting), r"(?i)model|option|fingerprint|fresh", setting)
        refused(run, run.eddy(setting, "state.dir="), r"(?i)model|option|fingerprint|fresh", setting)
    must(run.written() == before, "something was written all the same")
    settle(run, run.eddy(), must_bite=False)
