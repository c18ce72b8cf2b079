"""Labelled streams: those of a data directory, and two made of them.

A set is a list of documents in stream order: dicts with "id", "ts", "text", "title"?, "lang"? and
"label". S1 and T1 (ALGORITHM.md section 1) mix small events of several sets. Their documents and
their order are those of the prototype, which drew them with numpy's RandomState; Legacy below draws
the same numbers from the same Mersenne Twister, so nothing but Python is needed.
"""
import fnmatch
import gzip
import json
import os
import random

HERE = os.path.dirname(os.path.abspath(__file__))
DIRECTORY = os.environ.get("EDDY_DATA") or os.path.normpath(HERE + "/../../../../shared/data")
DERIVED = ("S1", "T1")
KINDS = ("news_", "short_", "intent_", "tweets_", "log_")
FIRST_MS = 1577836800000  # where sets without times of their own begin: 2020-01-01, 1 s a document
SHOWN = ("id", "ts", "text", "title", "lang", "source")  # what the one who clusters may see


class Missing(Exception):
    """The data directory lacks a set, or nothing of it is in the wanted language."""


class Legacy:
    """The part of numpy.random.RandomState that the mixtures need, for ranges below 2^32."""

    def __init__(self, seed):
        words = [seed]
        for i in range(1, 624):
            words.append((1812433253 * (words[-1] ^ words[-1] >> 30) + i) & 0xFFFFFFFF)
        self.twister = random.Random()
        self.twister.setstate((3, (*words, 624), None))

    def rand(self):
        return self.twister.random()

    def upto(self, most):
        """A number from 0 to most: 32 bits, masked, until one fits."""
        if not most:
            return 0
        mask = (1 << most.bit_length()) - 1
        while (value := self.twister.getrandbits(32) & mask) > most:
            pass
        return value

    def randint(self, low, high):
        return low + self.upto(high - 1 - low)

    def choice(self, items):
        return items[self.upto(len(items) - 1)]

    def permutation(self, items):
        items = list(items)
        for i in range(len(items) - 1, 0, -1):
            j = self.upto(i)
            items[i], items[j] = items[j], items[i]
        return items


class Data:
    """The sets of a directory; lang keeps only the documents of one language."""

    def __init__(self, directory, lang=None):
        self.directory, self.lang = directory, lang

    def path(self, name):
        return os.path.join(self.directory, name + ".jsonl.gz")

    def names(self):
        """Every set there is, the derived ones last."""
        try:
            found = os.listdir(self.directory)
        except OSError:
            found = []
        names = [f.removesuffix(".jsonl.gz") for f in sorted(found) if f.endswith(".jsonl.gz")]
        names = [n for kind in KINDS for n in names if n.startswith(kind)]
        return names + [n for n in DERIVED if all(s in names for s in MADE_OF[n])]

    def matching(self, globs):
        names = self.names()
        if not globs:
            return names
        for glob in globs:
            if not fnmatch.filter(names, glob):
                raise Missing(f"no set {glob} in {self.directory} "
                              f"(there are: {', '.join(names) or 'none'})")
        return [n for n in names if any(fnmatch.fnmatch(n, g) for g in globs)]

    def load(self, name):
        if name in DERIVED:
            return derive(self, name)
        try:
            with gzip.open(self.path(name), "rt", encoding="utf-8") as lines:
                docs = [json.loads(line) for line in lines]
        except FileNotFoundError as e:
            raise Missing(f"no set {name} in {self.directory}") from e
        if self.lang:
            docs = [d for d in docs if d.get("lang") == self.lang]
        if not docs:
            raise Missing(f"{name}: no document in language {self.lang}")
        return docs

    def clusters(self, name):
        """(row, document) of each gold cluster, clusters by their label, rows in stream order."""
        of = {}
        for row, doc in enumerate(self.load(name)):
            of.setdefault(doc["label"], []).append((row, doc))
        return [of[label] for label in sorted(of)]


# ---- the mixtures ----

MADE_OF = {
    "S1": ("news_uci2014", "short_newst", "news_ecbplus", "intent_banking77", "intent_hwu64"),
    "T1": ("news_ecbplus", "news_uci2014", "short_newst"),
}


def s1(data):
    """Of every event of five sets one document (three in ten) or 2 to 5."""
    r, picked = Legacy(1), []
    for source in MADE_OF["S1"]:
        for code, members in enumerate(data.clusters(source)):
            size = r.choice([2, 3, 4, 5]) if r.rand() > 0.3 else 1
            picked += [(source, code, *m) for m in r.permutation(members)[:size]]
    return r.permutation(picked)


def t1(data):
    """All of ECB+ and 1 to 8 documents of each event of two other news sets."""
    r, picked = Legacy(7), []
    for source in MADE_OF["T1"]:
        for code, members in enumerate(data.clusters(source)):
            if source != "news_ecbplus":
                members = r.permutation(members)[:r.randint(1, 9)]
            picked += [(source, code, *m) for m in members]
    return r.permutation(picked)


def pick(data, name):
    """(source set, gold cluster's number there, row there, document) in stream order."""
    return {"S1": s1, "T1": t1}[name](data)


def derive(data, name):
    docs = []
    for i, (source, code, row, doc) in enumerate(pick(data, name)):
        new = {"id": f"{name.lower()}-{i + 1:05d}", "ts": FIRST_MS + 1000 * i,
               "ts_kind": "sequential", "text": doc["text"]}
        new.update({k: doc[k] for k in ("title", "lang") if doc.get(k)})
        new.update(label=f"{source}-{code}", set=source, row=row, source_id=doc["id"])
        docs.append(new)
    return docs


def write_unlabelled(docs, path):
    """What eddy may see of the documents, as JSON Lines."""
    with open(path, "w", encoding="utf-8") as out:
        for doc in docs:
            seen = {k: doc[k] for k in SHOWN if doc.get(k) is not None}
            out.write(json.dumps(seen, ensure_ascii=False) + "\n")


def write_gold(docs, path):
    with open(path, "w", encoding="utf-8") as out:
        for doc in docs:
            out.write(json.dumps({"id": doc["id"], "label": doc["label"]}) + "\n")
