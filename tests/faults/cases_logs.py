"""Row 1 with lines of logs: layouts, records of several lines, templates and counts outlive kill -9."""
import signal
import subprocess
import time

from case import case, must
from checker_logs import LogCheck
from harness import FAULTY, Eddy, Run, Void, until
from logs import Logs

POINTS = ["begun", "assigned", "filled", "filled", "sent", "head-sent", "offsets-sent", "committed", "store-append",
          "restored"]


def log_run(like, name, *settings, of=None, follow=True):
    """A pipeline over the log that `of` has."""
    run = Run(like.cluster, name, like.seed, partitions=Logs.partitions, more_outputs=["templates"])
    # A finite run tells the last record from one that waits for its next line by where the log ends, not
    # by how long nothing came, and a partition that is late is waited for: so all is as it was made.
    run.settings += ["document.format=logs", "source.exit_at_end=true", "source.merge_wait=1m", *settings]
    run.topics(follow, of)
    return run


def to_the_end(run):
    code = run.eddy().wait(120)
    must(code == 0, f"exit {code}: {run.processes[-1].said()[-400:]}")
    must(run.behind() == 0, f"{run.behind()} lines are not answered")


def life(run, at=None):
    """Until it kills itself at a point, or is killed at work; False: all was answered before."""
    env = {"EDDY_PAUSE_AT": "filled:30"}
    if at or run.rng.random() < 0.5:
        env["EDDY_CRASH_AT"] = at or f"{run.rng.choice(POINTS)}:{run.rng.choice([1, 2, 5, 13])}:{run.rng.choice([0, 0, 50])}"
    eddy = Eddy(run, env=env, program=FAULTY)
    start = run.written()
    until("progress", 30, lambda: not eddy.running() or (run.written() or start) > start + 1, 0.01)
    try:
        eddy.process.wait(run.rng.uniform(0, 1.2))
    except subprocess.TimeoutExpired:
        eddy.process.kill()
        eddy.process.wait()
    code = eddy.process.returncode
    must(code in (0, -signal.SIGKILL), f"eddy ended with {code}: {eddy.said()[-400:]}")
    run.n["deaths"] += code != 0
    return code != 0


def kill_over_and_over(run, n):
    life(run, "filled:9:200")  # this one surely leaves something open
    for _ in range(n):
        if not life(run):
            break
    to_the_end(run)


@case("logs", "1, logs", short=True)
def logs(run, long):
    """a log of four layouts is killed over and over: answers, counts, templates as if nobody had"""
    made = Logs(run.seed, 24000 if long else 2000)
    lines = log_run(run, "logs-lines")
    counts = log_run(run, "logs-counts", "logs.assignments=counts", of=lines)
    alone = log_run(run, "logs-alone", "batch.max=1" if long else "batch.max=4", of=lines, follow=False)
    try:
        T0=time.time()
        lines.send(made.take())
        print('sent',time.time()-T0)
        to_the_end(alone)
        print('alone',time.time()-T0)
        truth = alone.check(must_bite=False, judge=LogCheck, made=made)
        for one in lines, counts:
            kill_over_and_over(one, 60 if long else 5)
        print('killed',time.time()-T0)
        first = lines.check(judge=LogCheck, made=made, undisturbed=truth)
        second = counts.check(judge=LogCheck, made=made, undisturbed=truth, lines=first)
        print('checked',time.time()-T0)
        for check in first, second:
            run.n.update(check.n)
        run.n["kills"] = lines.n["deaths"] + counts.n["deaths"]
    finally:
        for one in lines, counts, alone:
            one.close(keep=False)
    if not run.n["resumed_amid"]:
        raise Void("no life began amid lines that waited")
