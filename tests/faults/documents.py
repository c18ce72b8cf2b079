"""Synthetic documents, the same for the same seed: stories of a dozen words that come and go, told
in sentences that share them; and poison, known by its key."""
import json
import random

CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"
BASE_MS = 1704067200000  # 2024-01-01; not ahead of any clock

POISON = [
    b'{"id": "p", "text": "torn',
    b'{"id": "p", "text": "\xff\xfe"}',
    b'["a list"]',
    b'{"id": "p", "title": ""}',
    b'{"id": "p", "text": 17}',
    b"",
    None,
    b"\0\0\0\0\7binary follows",
    b"[" * 3000,
    b'{"text": "lone \\ud800 surrogate"}',
    b'{"text": "nothing but a NUL \\u0000"}x',
]


def words(rng, n):
    return ["".join(rng.choice(CONSONANTS) + rng.choice(VOWELS) for _ in range(rng.randint(2, 4)))
            for _ in range(n)]


class Documents:
    """poison: share of messages that cannot be used; old: share that comes with a much older time."""

    def __init__(self, seed, partitions=4, poison=0.015, old=0.01, step_ms=2000, stories=60, base_ms=BASE_MS):
        self.rng = random.Random(f"documents {seed}")
        self.partitions, self.poison, self.old, self.step_ms = partitions, poison, old, step_ms
        self.common = words(self.rng, 400)
        self.stories = [words(self.rng, 12) for _ in range(stories)]
        self.base_ms = base_ms
        self.n = 0

    def next(self):
        """(partition, key, value) of one more message."""
        rng, n = self.rng, self.n
        self.n += 1
        partition = rng.randrange(self.partitions)
        if rng.random() < self.poison:
            return partition, b"poison%d" % n, rng.choice(POISON)
        if rng.random() < 0.002:  # an old story ends, a new one begins
            self.stories[rng.randrange(len(self.stories))] = words(rng, 12)
        story = self.stories[min(int(rng.expovariate(0.08)), len(self.stories) - 1)]
        text = rng.sample(story, rng.randint(4, 9)) + rng.sample(self.common, rng.randint(2, 5))
        rng.shuffle(text)
        ts = self.base_ms + n * self.step_ms + rng.randint(-60000, 60000)
        if rng.random() < self.old:
            ts -= 40 * 86400000
        value = {"id": f"d{n}", "ts": ts, "text": " ".join(text)}
        if rng.random() < 0.5:
            value["title"] = " ".join(text[:3]).capitalize()
        return partition, b"d%d" % n, json.dumps(value).encode()

    def take(self, n):
        return [self.next() for _ in range(n)]
