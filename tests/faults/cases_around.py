"""Rows 5 to 9 and 22: brokers, the network, disks and clocks."""
import os
import time

from case import case, must, refused, settle
from harness import CLOCK, Tmpfs


# ---- 5: brokers die ----

# A coordinator that moves takes longer than the short session of the other cases, and then librdkafka
# 2.0.2 sends a heartbeat without its member id: a static member is fenced, as if there were a second.
LONG_SESSION = "kafka.session.timeout.ms=45000"


def broker_loop(run, n, hit):
    run.settings.append(LONG_SESSION)
    run.load(3000)
    eddy = run.eddy()
    run.moves(eddy=eddy)
    for i in range(n):
        run.busy(4000, 4000)
        time.sleep(run.rng.uniform(0.2, 1.5))
        back = hit(i)
        run.n["broker_deaths"] += 1
        back()
        began = time.monotonic()
        run.moves(within=60, eddy=eddy)
        run.n["back_ms"] = max(run.n["back_ms"], int(1000 * (time.monotonic() - began)))
        time.sleep(run.rng.uniform(1, 3))
    settle(run, eddy, must_bite=False)


@case("broker-restart", "5", short=True)
def broker_restart(run, long):
    """the only broker is killed, and stopped, and started again with its data"""
    def hit(i):
        (run.cluster.stop if i % 2 else run.cluster.kill)()
        time.sleep(run.rng.uniform(0, 5))
        return run.cluster.start
    broker_loop(run, 6 if long else 1, hit)


@case("broker-rolling", "5", cluster="three")
def broker_rolling(run, long):
    """three brokers, killed one after the other: leaders and coordinators move"""
    def hit(i):
        n = i % 3 + 1
        (run.cluster.stop if i % 4 == 3 else run.cluster.kill)(n)
        run.moves(within=90)  # two are enough
        return lambda: run.cluster.start(n)
    broker_loop(run, 9 if long else 3, hit)


@case("broker-and-eddy", "1, 5", cluster="three")
def broker_and_eddy(run, long):
    """brokers and eddy are killed, each at its own pace"""
    run.settings.append(LONG_SESSION)
    run.load(3000)
    for i in range(6 if long else 2):
        n = run.rng.randint(1, 3)
        run.cluster.kill(n)
        run.n["broker_deaths"] += 1
        for _ in range(4):
            run.busy()
            eddy = run.eddy()
            run.moves(within=90, eddy=eddy)
            time.sleep(run.rng.uniform(0, 0.3))
            eddy.kill()
        run.cluster.start(n)
        time.sleep(5)
    settle(run, run.eddy())


# ---- 6, 7: the network ----

@case("partition", "6", short=True)
def partition(run, long):
    """the network stands still, or lets requests through and no answers, or closes all connections"""
    net = run.cluster.net()
    run.load(4000)
    eddy = run.eddy(broker=run.cluster.proxied)
    run.moves(eddy=eddy)
    plan = [("blackhole", 5), ("mute", 4), ("cut", 3), ("drop", 0)]
    if long:
        plan += [("blackhole", 30), ("mute", 30), ("cut", 30), ("drop", 0), ("blackhole", 120), ("mute", 12),
                 ("drop", 0), ("drop", 0), ("mute", 3), ("mute", 3)]
    run.rng.shuffle(plan)
    for how, seconds in plan:
        run.busy(4000, 4000)
        run.moves(within=60, eddy=eddy)
        time.sleep(run.rng.uniform(0, 0.5))
        net.command(how)
        run.n["partitions"] += 1
        time.sleep(seconds)
        net.command("pass")
        run.n["back_ms"] = max(run.n["back_ms"], int(1000 * run.moves(within=90, eddy=eddy)))
    settle(run, eddy, must_bite=False)


@case("partition-takeover", "6")
def partition_takeover(run, long):
    """the owner is cut off past its session; another takes over; the network comes back"""
    net = run.cluster.net()
    run.settings.remove("source.instance=one")
    run.load(3000)
    for i in range(4 if long else 1):
        run.busy(4000, 4000)
        cut_off = run.eddy("source.instance=a", f"state.dir={run.state_dir}-a", broker=run.cluster.proxied)
        run.moves(eddy=cut_off)
        net.command(run.rng.choice(["blackhole", "mute", "cut"]))
        other = run.eddy("source.instance=b", f"state.dir={run.state_dir}-b")
        time.sleep(1)
        run.busy(4000, 4000)
        run.n["takeover_ms"] = max(run.n["takeover_ms"], int(1000 * run.moves(within=40, eddy=other)))
        run.n["partitions"] += 1
        net.command("pass")
        run.busy(4000, 4000)
        run.moves(eddy=other)
        time.sleep(8)
        must(cut_off.running(), f"who was cut off ended with {cut_off.process.returncode}: {cut_off.said()[-300:]}")
        run.drain(other)
        other.end()
        run.load(500)
        run.drain(cut_off)
        cut_off.end()
    settle(run, run.eddy(), must_bite=False)


@case("slow-network", "7")
def slow_network(run, long):
    """a round trip of a second; then few bytes a second"""
    net = run.cluster.net()
    run.load(1500)
    eddy = run.eddy(broker=run.cluster.proxied)
    run.moves(eddy=eddy)
    for command in ["delay 500", "rate 30000"]:
        net.command(command)
        run.moves(within=60, eddy=eddy)
        time.sleep(30 if long else 8)
        run.moves(within=60, eddy=eddy)
        net.command("pass")
        run.busy(1500, 1500)
    settle(run, eddy, must_bite=False)


# ---- 8, 9: disks ----

@case("broker-full", "8", cluster="small")
def broker_full(run, long):
    """the broker's disk is full: it gives up; with room again it comes back, and so does eddy"""
    run.load(3000)
    eddy = run.eddy()
    run.moves(eddy=eddy)
    run.cluster.disk.fill()
    try:
        # Whatever the broker does with its full disk (it stops), eddy has to wait.
        for _ in range(20):
            time.sleep(0.5)
            must(eddy.running(), f"eddy ended with {eddy.process.returncode}: {eddy.said()[-300:]}")
    finally:
        run.cluster.disk.free()
    run.cluster.kill()
    run.n["broker_deaths"] += 1
    run.cluster.start()
    run.moves(within=60, eddy=eddy)
    settle(run, eddy, must_bite=False)


@case("disk-full", "9", short=True)
def disk_full(run, long):
    """our own disk is full, then read-only: the store is skipped, the stream goes on"""
    disk = Tmpfs(run.state_dir, "2m")
    try:
        run.load(3000)
        eddy = run.eddy()
        run.moves(eddy=eddy)
        disk.fill()
        for _ in range(2):
            run.busy(1500, 1500)
            run.moves(eddy=eddy)
            time.sleep(1)
        run.moves(eddy=eddy)
        eddy.kill()
        eddy = run.eddy()
        run.moves(eddy=eddy)
        disk.free()
        run.busy(1500, 1500)
        run.moves(eddy=eddy)
        eddy.kill()
        disk.remount("ro")
        eddy = run.eddy()
        run.busy(1500, 1500)
        run.moves(eddy=eddy)
        eddy.kill()
        disk.remount("rw")
        full = [p for p in run.processes if p.said("local store is not kept.*(No space|Read-only)")]
        must(len(full) >= 2, "the store did not meet a full disk, or one that is read-only")
        settle(run, run.eddy(), must_bite=False)
    finally:
        for p in run.processes:
            p.process.kill()
            p.process.wait()
        disk.end()


# ---- 22: clocks ----

@case("clock-jumps", "22")
def clock_jumps(run, long):
    """our wall clock jumps ahead and back; results do not depend on it

    librdkafka's own waits are on the wall clock: a step back of an hour stops them for as long. So the
    steps back are those of NTP, seconds, but for the last one, which a kill ends."""
    at = os.path.join(run.dir, "clock")
    with open(at, "wb") as f:
        f.write(bytes(4096))

    def clock(seconds):
        with open(at, "r+b") as f:
            f.write(b"%-20d" % seconds)
    clock(0)
    run.load(3000)
    env = {"LD_PRELOAD": CLOCK, "EDDY_CLOCK_FILE": at}
    eddy = run.eddy(env=env)
    run.moves(eddy=eddy)
    for offset in [2, -1, 600, 598, 3000] * (3 if long else 1):
        clock(offset)
        run.n["jumps"] += 1
        run.busy(1000, 1000)
        run.moves(eddy=eddy)
        time.sleep(1)
        clock(0) if offset == 3000 else None
    time.sleep(1)
    eddy.kill()
    run.load(1000)  # else it may have nothing to send
    # A day ahead the broker refuses what we send: that is said, and nothing is lost.
    clock(90000)
    eddy = run.eddy(env=env)
    refused(run, eddy, "(?i)timestamp", "a clock a day ahead")
    settle(run, run.eddy(), must_bite=False)
