"""Many log lines out of few: the labelled ones, drawn at random, each with fresh values.

Digits are permuted line by line, and three names in ten that follow "user" are new. So nearly every line is
a new one, as in a real stream, and the templates stay those that they were."""
import random
import re

DIGITS = "0123456789"
TABLES = 5000  # permutations of the digits
USER = re.compile(r"\b(user[= ])([a-z]\w*)")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def tables(random_):
    ret = []
    for _ in range(TABLES):
        to = list(DIGITS)
        random_.shuffle(to)
        ret.append(str.maketrans(DIGITS, "".join(to)))
    return ret


def renamed(line, random_):
    name = "".join(random_.choices(LETTERS, k=7))
    return USER.sub(lambda m: m.group(1) + name, line)


def lines(data, n, field="text", sets="log_*", seed=1):
    """Yields n lines of that field."""
    random_ = random.Random(seed)
    docs = [" ".join(d[field].split("\n")) for s in data.matching([sets]) for d in data.load(s)]
    permuted = tables(random_)
    named = [bool(USER.search(d)) for d in docs]
    for _ in range(n):
        i = int(random_.random() * len(docs))
        line = docs[i].translate(permuted[int(random_.random() * TABLES)])
        yield renamed(line, random_) if named[i] and random_.random() < 0.3 else line
