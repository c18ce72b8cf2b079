"""Rows 1 to 4, 13, 23, 25 and 26: processes that die, stall, come back, are too many."""
import os
import re
import signal
import subprocess
import time

import checker
from case import case, must, settle
from harness import BARE, FAULTY, ROOT, Eddy, Failure, Run, Void, until


def points():
    """Names of all points in the sources."""
    found = set()
    for folder in "journal", "pipeline", "cli", "source":
        for name in os.listdir(f"{ROOT}/src/{folder}"):
            if name.endswith(".c"):
                with open(f"{ROOT}/src/{folder}/{name}") as f:
                    found |= set(re.findall(r'\bed_point\("([^"]+)"\)', f.read()))
    # Those of files are detect's; nobody reasons or operates here (tests/cli/check crashes).
    return sorted(p for p in found if p not in ("mutant", "operation-applied", "reasoner-asks", "reasoner-answered")
                  and not p.startswith("files-"))


# ---- 1: kill -9 ----

def kill_loop(run, n, settings=lambda: ()):
    """n times: start, let it come to work (or not), kill -9. Every eighth life is a quiet one."""
    run.load(2000)
    for i in range(n):
        run.busy()
        eddy = run.eddy(*settings())
        if run.rng.random() < 0.15:  # while it restores
            time.sleep(run.rng.uniform(0.05, 1.0))
        else:
            run.n["gap_ms"] = max(run.n["gap_ms"], int(1000 * run.moves(eddy=eddy)))
            time.sleep(run.rng.uniform(0, 0.25) if i % 8 else 2)
        must(eddy.running(), f"eddy ended with {eddy.process.returncode}: {eddy.said()[-400:]}")
        eddy.kill()
    settle(run, run.eddy())


@case("kill-random", "1", short=True)
def kill_random(run, long):
    """kill -9 at random moments; with its local store, without it, and with one that is gone"""
    def settings():
        dice = run.rng.random()
        if dice < 0.3:
            subprocess.run(["rm", "-rf", run.state_dir], check=True)
        return ["state.dir="] if dice > 0.8 else []
    kill_loop(run, 200 if long else 10, settings)


@case("kill-dynamic", "1")
def kill_dynamic(run, long):
    """kill -9 of a dynamic member: the group must notice by itself"""
    run.settings.remove("source.instance=one")
    kill_loop(run, 12 if long else 2)


@case("kill-points", "1", short=True)
def kill_points(run, long):
    """kill -9 of itself at every named point"""
    not_reached = set()
    run.load(2000)
    todo = [(name, run.rng.choice([1, 1, 2, 3, 5, 8, 30 if name == "sent" else 13]))
            for name in points() for _ in range(12 if long else 1)]
    run.rng.shuffle(todo)
    # Those that rarely come, when there is much to rewrite; and one that surely leaves something open.
    todo = sorted(todo, key=lambda at: at[0].startswith("store-re")) + [("filled", 3)]
    for name, n in todo:
        for at in {n, 1}:
            run.busy(600, 800)
            late = run.rng.choice([0, 200]) if name != "filled" else 200
            eddy = run.faulty(EDDY_CRASH_AT=f"{name}:{at}:{late}")
            try:
                until(name, 12, lambda: not eddy.running() or run.behind() == 0, 0.1)
            except Failure:
                pass
            if eddy.running():
                eddy.signal(signal.SIGTERM)
                eddy.wait(20)
            if eddy.process.returncode == -signal.SIGKILL:
                run.n["kills"] += 1
                break
        else:
            not_reached.add(name)
    if not_reached:
        run.note("not reached: " + " ".join(sorted(not_reached)))
    settle(run, run.eddy())


def shards_answered(run):
    """How many of them have committed anything."""
    return len({r.partition for r in checker.read(run.cluster.address, run.pipeline + ".state") if r.key == bytes(8)})


@case("kill-shards", "1", short=True)
def kill_shards(run, long):
    """kill -9 in the first second of a pipeline of two shards: one has answered, the other has not"""
    for i, at in enumerate(["committed:1", "store-append:1", "committed:2"] * (6 if long else 1)):
        young = run.other(f"{i}", shards=2)
        young.topics(follow=False)
        young.load(600)
        life = young.faulty(EDDY_CRASH_AT=at)
        until(at, 40, lambda: not life.running())
        must(life.process.returncode == -signal.SIGKILL,
             f"eddy ended with {life.process.returncode}: {life.said()[-400:]}")
        young.n.update(kills=1, half=shards_answered(young) == 1)
        life = young.eddy()  # the other shard has nothing in its partition, and has lost nothing
        young.drain(life)
        life.kill()
        young.load(300)
        settle(young, young.eddy(), must_bite=False)
        run.n.update(young.n)
    if not run.n["half"]:
        raise Void("at no death had one shard answered and the other not")


# ---- 2: the dead who come back ----

@case("zombie", "2", short=True)
def zombie(run, long):
    """SIGSTOP past the session timeout, amid a transaction; another takes over; SIGCONT"""
    run.settings.remove("source.instance=one")
    run.load(3000)
    first = run.faulty("source.instance=a", f"state.dir={run.state_dir}-a", EDDY_STALL_AT="filled:20:200")
    until("the stall", 30, first.stopped)
    second = run.eddy("source.instance=b", f"state.dir={run.state_dir}-b")
    run.n["takeover_ms"] = int(1000 * run.moves(within=30, eddy=second))
    run.n["stalls"] = 1
    for _ in range(8 if long else 1):
        first.signal(signal.SIGCONT)
        run.busy(3000, 3000)
        run.moves(eddy=second)
        time.sleep(run.rng.uniform(1, 3))
        must(first.running(), f"the zombie ended with {first.process.returncode}: {first.said()[-400:]}")
        # The other way round: the owner stalls at any moment, and the former zombie has to take over.
        second.signal(signal.SIGSTOP)
        run.n["stalls"] += 1
        time.sleep(1)
        run.busy(1500, 1500)
        run.moves(within=40, eddy=first)
        if long and run.rng.random() < 0.3:
            time.sleep(25)  # past the transaction timeout as well
        first, second = second, first
    first.signal(signal.SIGCONT)
    run.drain(second)
    time.sleep(2)
    must(first.running(), f"the zombie ended with {first.process.returncode}: {first.said()[-400:]}")
    codes = second.end(), first.end()
    must(all(c in (0, 143) for c in codes), f"exits {codes}")
    run.check()


# ---- 3: SIGTERM ----

@case("term", "3", short=True)
def term(run, long):
    """SIGTERM at any time, twice in a row too: an orderly end within 10 s"""
    run.load(2000)
    bit = 0
    for i in range(40 if long else 6):
        run.busy()
        eddy = run.eddy()
        if i % 3:
            run.moves(eddy=eddy)
        time.sleep(run.rng.uniform(0, 0.5))
        eddy.signal(signal.SIGTERM)
        began = time.monotonic()
        if i % 4 == 3:
            time.sleep(run.rng.uniform(0, 0.05))
            eddy.signal(signal.SIGTERM)
        code = eddy.wait(10)
        run.n["end_ms"] = max(run.n["end_ms"], int(1000 * (time.monotonic() - began)))
        must(code in (0, 143, -signal.SIGTERM), f"exit {code}: {eddy.said()[-300:]}")
        bit += 1
        run.n["terms"] += 1
    settle(run, run.eddy(), must_bite=False)


# ---- 4: an EndTxn that comes late ----

@case("late-end", "4", short=True)
def late_end(run, long):
    """EndTxn is held, the client goes on, the request reaches the broker amid the next transaction"""
    net = run.cluster.net()
    run.load(4000)
    taken = 0
    for i in range(10 if long else 2):
        run.busy(3000, 3000)
        eddy = run.eddy(broker=run.cluster.proxied)
        run.moves(eddy=eddy)
        net.events.clear()
        net.command(f"release {run.rng.randint(1, 3)}")
        net.command(f"hold {run.rng.randint(1, 20)}")
        net.event("held", 30)
        error = int(net.event("released", 60).split()[1])
        run.n["late_ends"] += 1
        taken += error == 0
        run.note(f"the late EndTxn got error {error}")
        if i % 2:
            eddy.kill()  # what the late request made visible would stay torn
        else:
            run.moves(eddy=eddy)
            eddy.end()
    settle(run, run.eddy(), must_bite=False)
    must(not taken, f"the broker took {taken} late EndTxn for the next transaction's own")


@case("late-end-bare", "4", short=True)
def late_end_bare(run, long):
    """the same done to a producer without eddy's guard: the hole is there, and is what late-end closes"""
    net = run.cluster.net()
    topic = run.pipeline + ".assignments"
    net.events.clear()
    net.command("release 5")
    net.command("hold 2")
    with open(os.path.join(run.dir, "bare.log"), "wb") as log:
        bare = subprocess.Popen([BARE, run.cluster.proxied, topic, "5"], stdout=log, stderr=log)
        error = net.event("released", 30).split()[1]
        bare.wait(60)
    whole = {n: 0 for n in range(5)}
    for r in checker.read(run.cluster.address, topic):
        whole[int(r.value.split(b"-")[0])] += 1
    torn = [n for n, seen in whole.items() if seen not in (0, 20)]
    run.note(f"the late EndTxn got error {error}, transactions torn: {torn}")
    if error != "0" or not torn:
        raise Void("the broker did not take the late EndTxn: this broker and librdkafka have no such hole")


# ---- 13: what a dead owner left open ----

@case("left-open", "13", short=True)
def left_open(run, long):
    """killed before its commit; another with another id takes over at once"""
    run.settings.remove("source.instance=one")
    run.load(2500)
    for i in range(10 if long else 1):
        run.busy(1500, 1500)
        one = run.faulty(f"source.instance=i{i}", EDDY_CRASH_AT=f"filled:{run.rng.randint(2, 20)}:200")
        one.wait(60)
        run.n["kills"] += 1
        other = run.eddy(f"source.instance=j{i}", f"state.dir={run.state_dir}-{i}")
        run.n["takeover_ms"] = max(run.n["takeover_ms"], int(1000 * run.moves(within=40, eddy=other)))
        other.kill()
    settle(run, run.eddy("source.instance=last"))


# ---- 23: memory ----

@case("memory", "23")
def memory(run, long):
    """too little memory: it dies, which is as kill -9, and goes on with more"""
    run.load(3000)
    deaths = 0
    limit = 60
    for _ in range(30 if long else 8):
        run.busy(1000, 1000)
        eddy = run.eddy(prefix=["prlimit", f"--as={limit << 20}"])
        try:
            run.moves(within=6, eddy=eddy)
            time.sleep(1)
            limit = max(60, int(limit * 0.9))
        except Failure:
            deaths += not eddy.running()
            limit = int(limit * run.rng.uniform(1.1, 1.5))
        eddy.kill()
    run.n["deaths"] = deaths
    if not deaths:
        raise Void("memory was never short")
    eddy = run.eddy()
    settle(run, eddy, must_bite=False)


# ---- 25, 26: many members ----

@case("thundering", "25", shards=4, partitions=8)
def thundering(run, long):
    """ten members come and go within half a minute, four shards"""
    run.settings.remove("source.instance=one")
    run.load(4000)
    members, life = [], 0
    end = time.monotonic() + (120 if long else 30)
    while time.monotonic() < end:
        run.busy(4000, 4000)
        members = [m for m in members if m.running()]
        if len(members) < 10 and (len(members) < 2 or run.rng.random() < 0.6):
            life += 1
            members.append(run.eddy(f"state.dir={run.state_dir}-{life}",
                                    *([f"source.instance=m{life}"] if life % 2 else [])))
        elif len(members) > 2:
            m = run.rng.choice(members)
            if run.rng.random() < 0.4:
                m.kill()
            else:
                m.signal(signal.SIGTERM)
        run.n["rebalances"] += 1
        time.sleep(run.rng.uniform(0.3, 1.5))
    for m in members[1:]:
        m.signal(signal.SIGTERM)
    keep = next(m for m in members if m.running())
    run.drain(keep, within=90)
    for m in members:
        if m.running():
            m.end()
    run.check()


@case("same-instance", "26", short=True)
def same_instance(run, long):
    """a second process by mistake with the same ids: one of the two says so and exits, no flapping"""
    run.load(3000)
    first = run.eddy()
    run.moves(eddy=first)
    second = run.eddy(f"state.dir={run.state_dir}-2")
    loser = until("one gives up", 40, lambda: next((e for e in (first, second) if not e.running()), None))
    must(loser.process.returncode not in (0, -signal.SIGSEGV, -signal.SIGABRT),
         f"the loser's exit is {loser.process.returncode}")
    must(loser.said(r"(?i)instance|another (owner|process|eddy)"), f"it does not say why: {loser.said()[-300:]}")
    winner = second if loser is first else first
    run.busy()
    run.moves(eddy=winner)
    time.sleep(4)
    must(winner.running(), "both gave up")
    settle(run, winner, must_bite=False)


# ---- the judge himself ----

MUTANTS = {"OFFSETS_OUTSIDE": 2, "LOST_ON_REBUILD": 4, "COMMIT_GUESSED": 6}  # of src/base/point.h


@case("mutants", "judge")
def mutants(run, long):
    """deliberate mistakes in the protocol: the judge must find each of them"""
    net = run.cluster.net()
    for name, number in MUTANTS.items():
        mutant = Run(run.cluster, "mutant-" + name.lower().replace("_", "-"), run.seed)
        mutant.topics(follow=False)
        try:
            misbehave(mutant, name, str(number), net)
            mutant.drain(mutant.eddy())
            mutant.check(must_bite=False)
        except Void:
            raise
        except Failure as e:
            run.note(f"{name}: {str(e)[:120]}")
            run.n["mutants"] += 1
        else:
            raise Failure(f"{name} was not found")
        finally:
            net.command("pass")
            mutant.close(keep=False)


def misbehave(run, name, number, net):
    """Bring the mutant to the place where its mistake shows."""
    run.load(3000)
    for i in range(6):
        if name == "OFFSETS_OUTSIDE":
            eddy = run.faulty(EDDY_MUTANT=number, EDDY_CRASH_AT=f"mutant:{i + 2}")
            eddy.wait(30)
            continue
        eddy = Eddy(run, env={"EDDY_MUTANT": number, "EDDY_PAUSE_AT": "filled:20"}, program=FAULTY,
                    broker=run.cluster.proxied)
        run.moves(eddy=eddy)
        time.sleep(run.rng.uniform(0, 0.3))
        net.command("mute" if name == "COMMIT_GUESSED" else "drop")
        time.sleep(3 if name == "COMMIT_GUESSED" else 0.5)
        eddy.kill() if name == "COMMIT_GUESSED" else None
        net.command("pass")
        if eddy.running():
            run.moves(eddy=eddy)
            eddy.kill()
        run.load(500)
