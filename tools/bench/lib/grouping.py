"""How well lines are grouped by template, as log parsers are judged (loghub's measures)."""
import re
from collections import Counter, defaultdict


def groups(ids):
    ret = defaultdict(list)
    for line, id_ in enumerate(ids):
        ret[id_].append(line)
    return ret


def accuracy(found, gold):
    """(GA, FGA): the share of lines whose group is exactly a gold one, and F1 over groups."""
    found, gold = groups(found), groups(gold)
    right = {tuple(lines) for lines in gold.values()} & {tuple(lines) for lines in found.values()}
    n = sum(map(len, gold.values()))
    return sum(map(len, right)) / n, 2 * len(right) / (len(found) + len(gold))


def mistakes(found, gold):
    """[(lines, gold group, found groups)] of gold groups that are not one, largest first."""
    by_found, ret = groups(found), []
    for label, lines in groups(gold).items():
        ids = Counter(found[i] for i in lines)
        if len(ids) > 1 or len(by_found[found[lines[0]]]) != len(lines):
            ret.append((len(lines), label, sorted(ids)))
    return sorted(ret, reverse=True)


def loose(text):
    """A token that holds <*> counts as <*>, and runs of it as one."""
    tokens = ["<*>" if "<*>" in t else t for t in text.split()]
    return [t for i, t in enumerate(tokens) if not i or t != "<*>" or tokens[i - 1] != "<*>"]


def parsing(texts, gold):
    """(exact, loose) share of lines whose template text is the gold one."""
    n = len(gold)
    exact = sum(re.sub(r"\s+", " ", a).strip() == re.sub(r"\s+", " ", b).strip() for a, b in zip(texts, gold))
    return exact / n, sum(loose(a) == loose(b) for a, b in zip(texts, gold)) / n
