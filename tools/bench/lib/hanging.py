"""What documents feel of a language model's endpoint: their latency while it answers, and while it
accepts every question and never answers.

`eddy run` with reason.kind=llm between topics of a real broker, round by round with an endpoint that
answers at once and with one that hangs (tests/llm/server). Each round has topics, a state and an endpoint of
its own, and the same documents, so nothing but the endpoint is different.
"""
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import urllib.request

from broker import HERE, Broker, Latency

SERVER = os.path.join(HERE, "../../../tests/llm/server")
HANG = '{"do": "hang", "seconds": 600}\n'
PER_S, DIM = 500, 64
# Passes follow each other as fast as they may: a round is short, and each of them is to feel the endpoint.
REASON = ("reason.kind=llm", "reason.model=scripted", "reason.interval=1s", "reason.last=0s")


class Endpoint:
    def __init__(self, folder, hangs):
        words = [sys.executable, SERVER, "--parent"]
        if hangs:
            script = os.path.join(folder, "hang.jsonl")
            with open(script, "w", encoding="ascii") as out:
                out.write(HANG)
            words += ["--script", script]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def end(self):
        """How often it was asked; it is gone then."""
        with urllib.request.urlopen(self.url + "/seen", timeout=30) as answer:
            asked = json.load(answer)["n"]
        self.process.stdin.close()
        self.process.wait()
        return asked


def round_of(broker, folder, name, hangs, seconds):
    endpoint = Endpoint(folder, hangs)
    try:
        live = Latency(broker, name, DIM, PER_S, seconds, *REASON, f"reason.url={endpoint.url}", warm=6)
    finally:
        asked = endpoint.end()
    broker.bench("drop", name, *(f"{name}.{t}" for t in ("assignments", "events", "changes", "dead", "state",
                                                         "operations", "control")))
    answered = sum(map(int, re.findall(r" answered=(\d+) ", live.said)))
    if not asked or bool(answered) == hangs:
        sys.exit(f"reasoner: the endpoint was asked {asked} times, {answered} questions were answered: this round "
                 "shows nothing")
    if live.unseen:
        sys.exit(f"reasoner: {live.unseen} documents were not seen")
    return {"p50": live.at(50), "p99": live.at(99), "asked": asked, "answered": answered}


def measure(quick, say):
    """A dict of figures; rounds of both kinds in turn."""
    rounds, seconds = (2, 4) if quick else (5, 8)
    both = {False: [], True: []}
    with tempfile.TemporaryDirectory(prefix="eddy-hanging-") as folder:
        broker = Broker(folder + "/kafka")
        try:
            for i in range(rounds):
                for hangs in (False, True) if i % 2 else (True, False):
                    both[hangs].append(round_of(broker, folder, f"round{i}{'h' if hangs else 'a'}", hangs, seconds))
        finally:
            broker.kafka("down")
    say(f"from produce to visible at {PER_S} documents/s, batch.wait 100 ms, {rounds} rounds of {seconds} s each")
    say(f"  {'':<12} {'p50 ms':>8} {'p99 ms':>8}   {'requests':>8}   p50/p99 of each round")
    figures = {}
    for hangs, word in ((False, "answers"), (True, "hangs")):
        for p in ("p50", "p99"):
            figures[f"{p}_{word}_ms"] = round(statistics.median(r[p] for r in both[hangs]), 2)
        say(f"  it {word:<9} {figures[f'p50_{word}_ms']:>8.1f} {figures[f'p99_{word}_ms']:>8.1f}   "
            f"{sum(r['asked'] for r in both[hangs]):>8,}   "
            + " ".join(f"{r['p50']:.0f}/{r['p99']:.0f}" for r in both[hangs]))
    for p in ("p50", "p99"):
        figures[f"ratio_{p}"] = round(figures[f"{p}_hangs_ms"] / figures[f"{p}_answers_ms"], 3)
    say(f"  hanging / answering: p50 {figures['ratio_p50']:.2f}, p99 {figures['ratio_p99']:.2f}")
    return figures
