"""Row 1 with lines of logs: layouts, records of several lines, templates and counts outlive kill -9."""
import signal
import subprocess

from case import case, must
from checker_logs import LogCheck
from harness import FAULTY, Eddy, Void, until
from logs import Logs

POINTS = ["begun", "assigned", "filled", "filled", "sent", "head-sent", "offsets-sent", "committed", "store-append",
          "restored"]


def over_the_log(run, name, *settings, of=None, follow=True):
    """A pipeline over the log that `of` has."""
    one = run.other(name, partitions=Logs.partitions, more_outputs=["templates"])
    # A finite run tells the last record from one that waits for its next line by where the log ends, not
    # by how long nothing came, and a partition that is late is waited for: so all is as it was made.
    one.settings += ["document.format=logs", "source.exit_at_end=true", "source.merge_wait=1m", *settings]
    one.topics(follow, of)
    return one


def to_the_end(run):
    eddy = run.eddy()
    code = eddy.wait(300)
    must(code == 0, f"exit {code}: {eddy.said()[-400:]}")
    must(run.behind() == 0, f"{run.behind()} lines are not answered")


def life(run, at=None):
    """Until it kills itself at a point (at: that one), or is killed at work; False: all was answered
    before."""
    env = {"EDDY_PAUSE_AT": "filled:30"}
    if at or run.rng.random() < 0.5:
        point, n, late = run.rng.choice(POINTS), run.rng.choice([1, 2, 5, 13]), run.rng.choice([0, 0, 50])
        env["EDDY_CRASH_AT"] = at or f"{point}:{n}:{late}"
    eddy = Eddy(run, run.rng.choice([[], [], ["state.dir="]]), env=env, program=FAULTY)
    start = run.committed() or 0
    until("progress", 60, lambda: not eddy.running() or (run.committed() or 0) > start, 0.02)
    try:
        eddy.process.wait(60 if at else run.rng.uniform(0, 1.2))
    except subprocess.TimeoutExpired:
        eddy.process.kill()
        eddy.process.wait()
    code = eddy.process.returncode
    must(code in (0, -signal.SIGKILL), f"eddy ended with {code}: {eddy.said()[-400:]}")
    run.n["kills"] += code != 0
    return code != 0


def kill_over_and_over(run, n):
    life(run, "filled:9:200")  # this one surely leaves something open
    for _ in range(n):
        if not life(run):
            break
    to_the_end(run)


@case("logs", "1, logs", short=True)
def logs(run, long):
    """a log of four layouts, killed over and over: answers, counts and templates are as if nobody had"""
    made = Logs(run.seed, 6000 if long else 2000)
    small = [f"batch.max={6 if long else 16}"]
    lines = over_the_log(run, "lines", *small)
    counts = over_the_log(run, "counts", "logs.assignments=counts", *small, of=lines)
    alone = over_the_log(run, "alone", f"batch.max={2 if long else 4}", of=lines, follow=False)
    lines.send(made.take())
    to_the_end(alone)
    truth = alone.check(must_bite=False, judge=LogCheck, made=made)
    for one in lines, counts:
        kill_over_and_over(one, 60 if long else 5)
    told = lines.check(judge=LogCheck, made=made, undisturbed=truth)
    counts.check(judge=LogCheck, made=made, undisturbed=truth, lines=told)
    run.n.update(lines.n)
    for number in "kills", "extras", "compared", "counted":
        run.n[number] += counts.n[number]
    if not run.n["resumed_amid"]:
        raise Void("no life began amid lines that waited")
