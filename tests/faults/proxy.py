#!/usr/bin/env python3
"""A network that misbehaves on command: between Kafka's clients and brokers of tools/kafka --proxy.

    tests/faults/proxy.py PORTS        PORTS is DIR/kafka.ports of tools/kafka

For each broker it listens on the port that the broker advertises and passes on to the one behind.
Bytes are never rewritten. Commands come on standard input, one a line; each is answered by "ok" or
"bad ..." on standard output, where "event ..." lines come too:

    pass            as if it were not there (the start); what was held back flows again
    blackhole       connections stand, new ones are accepted, nothing moves
    mute            what clients send arrives, what brokers answer does not
    cut             all connections are closed, new ones at once
    drop            all connections are closed, new ones are welcome
    delay MS        every piece arrives that much later, each way
    rate BYTES      so many bytes a second, for each connection and way; 0: no limit
    hold N          the N-th EndTxn that commits, counted from now on, does not reach its broker: its
                    bytes are kept, the client's connection is closed so that it comes back and asks
                    again, the connection to the broker is kept open. "event held"
    release [N]     what is held goes to its broker: now, or right after the N-th Produce request that
                    follows the next EndTxn, so that it lands amid the next transaction.
                    "event released ERROR" with the broker's error code: 0 says that the late request
                    was taken for the next transaction's own (KIP-890)
    count           "ok PRODUCE ENDTXN": requests passed since the start
"""
import asyncio
import struct
import sys
import time

PRODUCE, END_TXN = 0, 26
PIECE = 1 << 16
WAY_MAX = 1 << 22  # bytes under way in one direction of one connection
ANSWER_MAX = 30  # seconds until an answer to a released request is given up


def say(*words):
    print(*words, flush=True)


def string(frame, at, compact):
    """Where a string at `at` ends."""
    if not compact:
        n, = struct.unpack_from(">h", frame, at)
        return at + 2 + max(n, 0)
    n = shift = 0
    while True:
        byte = frame[at]
        at += 1
        n |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return at + max(n - 1, 0)


def commits(frame):
    """Does this EndTxn request (without its length) say commit, not abort?"""
    version, = struct.unpack_from(">h", frame, 2)
    at = string(frame, 8, False)
    if version >= 3:  # flexible: tagged fields end the header, of which there are none
        at += 1
    return frame[string(frame, at, version >= 3) + 10] == 1


class Way:
    """One direction of a connection: pieces with the moment at which they are due."""

    def __init__(self, net, writer, answers):
        self.net, self.writer, self.answers = net, writer, answers
        self.pieces = asyncio.Queue()
        self.bytes = 0

    async def put(self, piece):
        while self.bytes > WAY_MAX:
            await asyncio.sleep(0.01)
        self.bytes += len(piece)
        self.pieces.put_nowait((time.monotonic() + self.net.delay, piece))

    async def run(self):
        while True:
            due, piece = await self.pieces.get()
            await asyncio.sleep(max(0, due - time.monotonic()))
            while piece:
                await self.net.open(self.answers)
                n = len(piece) if not self.net.rate else min(len(piece), max(1, self.net.rate // 20))
                self.writer.write(piece[:n])
                await self.writer.drain()
                if self.net.rate:
                    await asyncio.sleep(n / self.net.rate)
                self.bytes -= n
                piece = piece[n:]


class Connection:
    def __init__(self, net, client, broker):
        self.net, self.client, self.broker = net, client, broker
        self.kept = None  # a held request
        self.tasks = []

    def shut(self, with_broker=True):
        self.client[1].close()
        if with_broker:
            self.broker[1].close()
        for task in self.tasks:
            task.cancel()

    async def run(self):
        up = Way(self.net, self.broker[1], answers=False)
        down = Way(self.net, self.client[1], answers=True)
        jobs = [self.requests(up), self.answers(down), up.run(), down.run()]
        self.tasks = [asyncio.create_task(job) for job in jobs]
        await asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in self.tasks:
            task.cancel()
        done = await asyncio.gather(*self.tasks, return_exceptions=True)
        for end in done:
            if not isinstance(end, (asyncio.CancelledError, OSError, asyncio.IncompleteReadError, type(None))):
                say("event error", repr(end))
        if not self.kept:
            self.shut()

    async def requests(self, way):
        while True:
            size = await self.client[0].readexactly(4)
            frame = await self.client[0].readexactly(struct.unpack(">i", size)[0])
            if self.net.holds(self, size, frame):
                self.client[1].close()
                return
            await way.put(size + frame)
            await self.net.passed(frame)

    async def answers(self, way):
        while piece := await self.broker[0].read(PIECE):
            await way.put(piece)


class Net:
    def __init__(self):
        self.mode, self.delay, self.rate = "pass", 0.0, 0
        self.moves = asyncio.Event()
        self.moves.set()
        self.connections = set()
        self.hold, self.held = 0, None
        self.release_after = None  # Produce requests that still have to pass
        self.asked_again = False
        self.n_produce = self.n_end = 0

    # ---- what a connection asks ----

    async def open(self, answers):
        """Wait until a piece may move."""
        while self.mode == "blackhole" or (self.mode == "mute" and answers):
            self.moves.clear()
            await self.moves.wait()

    def holds(self, connection, size, frame):
        api, = struct.unpack_from(">h", frame)
        if api != END_TXN or not self.hold or not commits(frame):
            return False
        self.hold -= 1
        if self.hold:
            return False
        connection.kept = size + frame
        self.held, self.asked_again = connection, False
        say("event held")
        return True

    async def passed(self, frame):
        api, = struct.unpack_from(">h", frame)
        if api == END_TXN:
            self.n_end += 1
            self.asked_again = True
        elif api == PRODUCE:
            self.n_produce += 1
            if self.held and self.asked_again and self.release_after is not None:
                self.release_after -= 1
                if self.release_after <= 0:
                    self.release_after = None
                    await asyncio.sleep(0.02)  # the Produce arrives first
                    await self.release()

    async def release(self):
        connection, self.held = self.held, None
        reader, writer = connection.broker
        writer.write(connection.kept)
        try:
            await writer.drain()
            async with asyncio.timeout(ANSWER_MAX):
                while True:  # answers to what this connection asked before come first
                    n, = struct.unpack(">i", await reader.readexactly(4))
                    answer = await reader.readexactly(n)
                    if answer[:4] == connection.kept[8:12]:
                        version, = struct.unpack_from(">h", connection.kept, 6)
                        say("event released", struct.unpack_from(">h", answer, 9 if version >= 3 else 8)[0])
                        break
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as e:
            say("event released nobody", type(e).__name__)
        connection.kept = None
        connection.shut()

    # ---- connections ----

    async def accept(self, port, reader, writer):
        if self.mode == "cut":
            writer.close()
            return
        try:
            broker = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        connection = Connection(self, (reader, writer), broker)
        self.connections.add(connection)
        try:
            await connection.run()
        finally:
            self.connections.discard(connection)

    def close_all(self):
        for connection in list(self.connections):
            connection.shut()

    # ---- commands ----

    async def command(self, word, *numbers):
        if word in ("pass", "blackhole", "mute", "cut"):
            self.mode = word
            if word == "pass":
                self.delay, self.rate = 0.0, 0
            if word == "cut":
                self.close_all()
            self.moves.set()
        elif word == "drop":
            self.close_all()
        elif word == "delay":
            self.delay = float(numbers[0]) / 1000
        elif word == "rate":
            self.rate = int(numbers[0])
        elif word == "hold":
            self.hold = int(numbers[0])
        elif word == "release":
            if numbers:
                self.release_after = int(numbers[0])
            elif self.held:
                await self.release()
        elif word == "count":
            return f"ok {self.n_produce} {self.n_end}"
        else:
            return f"bad command {word}"
        return "ok"


async def main(path):
    net = Net()
    servers = []
    with open(path) as lines:
        for line in lines:
            _, _, _, behind, advertised = line.split()
            servers.append(await asyncio.start_server(
                lambda r, w, port=int(behind): net.accept(port, r, w), "127.0.0.1", int(advertised)))
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    say("ok")
    while line := await reader.readline():
        try:
            say(await net.command(*line.decode().split()))
        except (ValueError, IndexError, TypeError) as e:
            say("bad", repr(e))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
