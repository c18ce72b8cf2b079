"""What all cases share: the list of them, how one ends, what a refusal is."""
import signal

from harness import Failure, until

CASES = {}


def case(name, rows, short=False, cluster="one", **run):
    """short: in the short lane too. run: what Run is made with."""
    def add(f):
        CASES[name] = {"name": name, "rows": rows, "short": short, "cluster": cluster, "run": run, "f": f,
                       "about": (f.__doc__ or "").split("\n")[0]}
        return f
    return add


def must(true, text):
    if not true:
        raise Failure(text)


def settle(run, eddy, **more):
    """Everything answered, eddy ended in order, all judged."""
    run.drain(eddy)
    until("eddy's first line", 20, eddy.said)  # before it, a signal ends it as it ends anybody
    code = eddy.end()
    must(code in (0, 128 + signal.SIGTERM), f"exit {code} after SIGTERM: {eddy.said()[-300:]}")
    return run.check(**more)


def refused(run, eddy, pattern, what):
    """It ends by itself and says why."""
    code = eddy.wait(40)
    must(code not in (0, -signal.SIGKILL, -signal.SIGSEGV, -signal.SIGABRT), f"{what}: exit {code}")
    must(eddy.said(pattern), f"{what}: it does not say {pattern}: {eddy.said()[-400:]}")
    run.n["refusals"] += 1
