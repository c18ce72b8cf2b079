"""What must be there of a log, judged from the topics and from what its maker knows of it.

    lines      the first line of each record has exactly one answer, with the level, component and time
               that it was made with; no other line has any; dead are those that are no lines
    counts     of each template and minute: as many as those answers say, taken minute by minute
    templates  one form has one template; none is founded twice, and its lines are counted exactly
    same       all that was told, and the state, are those of a run that nobody disturbed
"""
import json
from collections import Counter, defaultdict
from datetime import datetime, timezone

from checker import Check, Wrong, rising, some

MINUTE_MS = 60000


def ms_of(text):
    at = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
    return round(at.timestamp() * 1000)


class LogCheck(Check):
    """made: logs.Logs. lines: the run whose answers say what the counts must be; None: there are
    answers. undisturbed: a LogCheck that has run."""

    kinds = Check.kinds + ["templates"]

    def __init__(self, *args, made, lines=None, undisturbed=None, **more):
        super().__init__(*args, **more)
        self.made, self.lines, self.undisturbed = made, lines, undisturbed
        self.steps = ["dead_letters", "counts" if lines else "answers", "templates", "i4", "i5", "i6", "resumed",
                      "same", "extras"]

    def load(self):
        super().load()
        self.pictures = [json.loads(r.value) for r in self.told["templates"]]
        self.into = {p["id"]: p["merged_into"] for p in self.pictures}

    def now(self, template):
        """What it has become."""
        while self.into[template]:
            template = self.into[template]
        return template

    # ---- lines ----

    def dead_letters(self):
        dead = Counter(p[1:] for p in map(self.dead_source, self.dead))
        if dead != Counter(self.made.poison):
            raise Wrong(f"dead letters {some(dead.keys() - self.made.poison)} without a reason, "
                        f"{some(self.made.poison - dead.keys())} missing, "
                        f"{some(p for p, n in dead.items() if n > 1)} twice")

    def answers(self):
        answered = Counter(self.source(v)[1:] for v in self.values)
        wanted = self.made.records.keys()
        lost = wanted - answered.keys()
        twice = [at for at, n in answered.items() if n > 1]
        self.n.update(lost=len(lost), duplicated=len(twice))
        if lost or twice:
            raise Wrong(f"{len(lost)} records without an answer: {some(sorted(lost))}; "
                        f"{len(twice)} with several: {some(twice)}")
        if inside := answered.keys() - wanted - self.made.loose:
            raise Wrong(f"{len(inside)} answers for lines that begin no record: {some(sorted(inside))}")
        for v in self.values:
            record = self.made.records.get(self.source(v)[1:])
            told = v.get("level"), v.get("component"), ms_of(v["time"])
            if record and told != (record.level, record.component, record.time_ms):
                raise Wrong(f"{v}: it was made as {record}")
        partitions = defaultdict(list)
        for v in self.values:
            if self.source(v)[1] not in self.made.mixed:
                partitions[self.source(v)[1]].append(v["source"]["offset"])
        for p, offsets in partitions.items():
            rising(offsets, f"offsets of partition {p} in answers")

    def counts(self):
        """Whose minute a line is in is told by the greatest time so far."""
        wanted, stream_ms = Counter(), None
        for v in self.lines.values:
            at = ms_of(v["time"])
            stream_ms = at if stream_ms is None else max(at, stream_ms)
            wanted[self.now(v["template"]), stream_ms - stream_ms % MINUTE_MS] += 1
        told, each = Counter(), Counter()
        for v in self.values:
            if ms_of(v["to"]) - ms_of(v["from"]) != MINUTE_MS:
                raise Wrong(f"not a minute: {v}")
            told[self.now(v["template"]), ms_of(v["from"])] += v["lines"]
            each[v["template"], v["from"]] += 1
        self.n.update(counted=sum(told.values()))
        if told != wanted:
            off = [(at, told[at], wanted[at]) for at in told.keys() | wanted.keys() if told[at] != wanted[at]]
            raise Wrong(f"{sum(told.values())} lines counted of {sum(wanted.values())}; "
                        f"(what, told, wanted): {some(off)}")
        if twice := [at for at, n in each.items() if n > 1]:
            raise Wrong(f"a template's minute is told more than once: {some(twice)}")

    # ---- templates ----

    def templates(self):
        changes = [json.loads(r.value) for r in self.changes]
        founded = Counter(c["template"] for c in changes if c["kind"] == "template_founded")
        if twice := [t for t, n in founded.items() if n > 1]:
            raise Wrong(f"templates founded twice: {some(twice)}")
        if founded.keys() != self.into.keys():
            raise Wrong(f"founded, but never shown, or the other way round: {some(founded.keys() ^ self.into.keys())}")
        pictures = defaultdict(list)
        for p in self.pictures:
            pictures[p["id"]].append(p)
        for template, told in pictures.items():
            lines = [p["lines"] for p in told if not p["merged_into"]]
            rising(lines[:-1], f"lines of {template}")  # the last one is the end's
            if lines != sorted(lines) or any(p["merged_into"] for p in told[:-1]):
                raise Wrong(f"{template}: {[(p['lines'], p['merged_into']) for p in told]}")
            begins = [p["first_seen"] for p in told]
            if begins != sorted(begins, reverse=True):  # earlier when older lines come, never later
                raise Wrong(f"{template} begins at {begins}")
        self.n.update(templates=len(founded), merged=sum(1 for t in self.into.values() if t))
        answers = (self.lines or self).values
        lines = Counter(self.now(v["template"]) for v in answers)
        shown = {t: told[-1]["lines"] for t, told in pictures.items() if not self.into[t]}
        if lines != shown:
            off = [(t, lines[t], shown.get(t)) for t in lines if lines[t] != shown.get(t)]
            raise Wrong(f"lines of templates: {some(off)}")
        self.forms_have_one(answers)

    def forms_have_one(self, answers):
        forms, signatures = defaultdict(set), defaultdict(set)
        for v in answers:
            record = self.made.records.get(self.source(v)[1:])
            signatures[v["signature"]].add(self.now(v["template"]))
            if record and not self.made.forms[record.form].named:
                forms[record.form, record.raises].add(self.now(v["template"]))
        for what, found in ("form", forms), ("signature", signatures):
            if several := {k: t for k, t in found.items() if len(t) > 1}:
                raise Wrong(f"a {what} with several templates: {some(several.items())}")

    # ---- what disturbed it, and whether that shows ----

    def resumed(self):
        """Takeovers that met lines which waited: answered ones stand behind them."""
        if self.lines:
            return
        order = defaultdict(list)
        for v in self.values:
            order[self.source(v)[1]].append(v["source"]["offset"])
        heads = self.heads[0]
        for before, after in zip(heads, heads[1:]):
            if before["owner"] != after["owner"]:
                answered = before["assigned"] + before["founded"]
                for (_, p), at in before["offsets"].items():
                    done = [self.source(v)[2] for v in self.values[:answered] if self.source(v)[1] == p]
                    self.n["resumed_amid"] += bool(done) and max(done) >= at

    def plain(self, kind):
        """Without the names of pipeline and input, which stand in ids."""
        return [r.value and r.value.replace(self.inputs[0].encode(), b"input").replace(self.pipeline.encode(), b"it")
                for r in self.told[kind]]

    @staticmethod
    def tally(h):
        return h["assigned"] + h["founded"] + h["dead"] + h["filtered"], h["ended"]

    def same(self):
        other = self.undisturbed
        if not other:
            return
        for kind in self.kinds:
            if kind == "assignments" and self.lines:
                continue
            a, b = self.plain(kind), other.plain(kind)
            if a != b:
                at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
                raise Wrong(f"{kind} are not those of the run that was not disturbed: {len(a)} and {len(b)}, from the "
                            f"{at}th on: {a[at:at + 1]} and {b[at:at + 1]}")
        wanted = {self.tally(h): h["hash"] for h in other.heads[0]}
        for h in self.heads[0]:
            if self.tally(h) in wanted:
                self.n["compared"] += 1
                self.n["wrong_states"] += h["hash"] != wanted[self.tally(h)]
        if self.n["wrong_states"]:
            raise Wrong(f"{self.n['wrong_states']} of {self.n['compared']} states are not those of the run that was "
                        "not disturbed")
