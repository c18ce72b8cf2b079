"""A terminal for tests: a program in a pseudo terminal, its screen as text, keys to press.

As much of an xterm as curses makes use of; what it does not know it refuses, so that no sequence
passes unseen.
"""
import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unicodedata

CSI = re.compile(r"\x1b\[([?>]?)([\d;]*)([@-~])")
OTHER = re.compile(r"\x1b(?:[()][AB0]|[=>78cM])")
KEYS = {"up": "\x1bOA", "down": "\x1bOB", "page down": "\x1b[6~", "page up": "\x1b[5~", "home": "\x1bOH",
        "end": "\x1bOF", "enter": "\r", "escape": "\x1b", "erase": "\x7f"}


class Terminal:
    def __init__(self, args, rows=24, columns=80, stdin=None, seconds=30, **environment):
        """Start args. stdin: what it reads in place of the keyboard (a file descriptor)."""
        self.seconds, self.rows, self.columns = seconds, rows, columns
        self.raw, self.rest, self.visible, self.alternate = "", "", True, False
        self.decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self.row = self.column = 0
        self.top, self.bottom = 0, rows - 1
        self.cells = [[" "] * columns for _ in range(rows)]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            if stdin is not None:
                os.dup2(stdin, 0)
            os.environ.pop("COLUMNS", None)
            os.environ.pop("LINES", None)
            os.environ.update({"TERM": "xterm", "NO_COLOR": "", **environment})
            os.execv(args[0], args)
        self.modes = termios.tcgetattr(self.fd)

    # ---- what it shows ----

    def text(self):
        return "\n".join("".join(line).rstrip() for line in self.cells)

    def put(self, c):
        wide = 0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        if not wide:
            return
        assert unicodedata.category(c) not in ("Cc", "Cf"), f"U+{ord(c):04X} reaches the terminal"
        if self.column + wide > self.columns:
            self.row, self.column = min(self.row + 1, self.rows - 1), 0
        self.cells[self.row][self.column:self.column + wide] = [c] + [""] * (wide - 1)
        self.column += wide

    def scroll(self, n):
        for _ in range(abs(n)):
            if n > 0:
                self.cells[self.top:self.bottom + 1] = self.cells[self.top + 1:self.bottom + 1] + [[" "] * self.columns]
            else:
                self.cells[self.top:self.bottom + 1] = [[" "] * self.columns] + self.cells[self.top:self.bottom]

    def down(self):
        if self.row == self.bottom:
            self.scroll(1)
        else:
            self.row = min(self.row + 1, self.rows - 1)

    def clear(self, row, start, end):
        self.cells[row][start:end] = [" "] * (end - start)

    def control(self, private, numbers, final):
        n = [int(x or 0) for x in numbers.split(";")]
        count, line = n[0] or 1, self.cells[self.row]
        if private == "?" and final in "hl":
            if 1049 in n:
                self.alternate = final == "h"
            if 25 in n:
                self.visible = final == "h"
        elif private or final in "mhlt":
            pass
        elif final == "H":
            self.row, self.column = count - 1, (n + [1])[1] - 1
        elif final in "ABCDGd":
            self.row += {"A": -count, "B": count}.get(final, 0)
            self.column += {"C": count, "D": -count}.get(final, 0)
            if final == "G":
                self.column = count - 1
            if final == "d":
                self.row = count - 1
        elif final == "K":
            self.clear(self.row, *((self.column, self.columns), (0, self.column + 1), (0, self.columns))[n[0]])
        elif final == "J":
            assert n[0] in (0, 2), n
            self.clear(self.row, 0 if n[0] else self.column, self.columns)
            for row in range(0 if n[0] else self.row + 1, self.rows):
                self.clear(row, 0, self.columns)
        elif final == "X":
            self.clear(self.row, self.column, min(self.column + count, self.columns))
        elif final == "P":
            line[self.column:] = line[self.column + count:] + [" "] * count
        elif final == "@":
            line[self.column:] = ([" "] * count + line[self.column:])[:self.columns - self.column]
        elif final == "b":
            for _ in range(count):
                self.put(line[self.column - 1])
        elif final in "LM":
            top, self.top = self.top, self.row
            self.scroll(count if final == "M" else -count)
            self.top = top
        elif final in "ST":
            self.scroll(count if final == "S" else -count)
        elif final == "r":
            self.top, self.bottom = count - 1, ((n + [0])[1] or self.rows) - 1
            self.row = self.column = 0
        else:
            raise AssertionError(f"a sequence that nobody asked for: {private}{numbers}{final}")

    def feed(self, text):
        text, self.rest = self.rest + text, ""
        at = 0
        while at < len(text):
            c, m = text[at], None
            if c == "\x1b":
                m = CSI.match(text, at) or OTHER.match(text, at)
                if not m and len(text) - at < 24:
                    self.rest = text[at:]
                    return
                assert m, repr(text[at:at + 24])
                if m.re is CSI:
                    self.control(*m.groups())
                elif m.group() == "\x1bM":
                    if self.row == self.top:
                        self.scroll(-1)
                    else:
                        self.row -= 1
            elif c == "\r":
                self.column = 0
            elif c == "\n":
                self.down()
            elif c == "\b":
                self.column = max(0, self.column - 1)
            elif c == "\t":
                self.column = min(self.columns - 1, self.column // 8 * 8 + 8)
            elif c not in "\x0e\x0f\x07":
                self.put(c)
            at = m.end() if m else at + 1

    def read(self, wait=0.0):
        """What has come; False: nothing will any more."""
        while select.select([self.fd], [], [], wait)[0]:
            try:
                text = self.decoder.decode(os.read(self.fd, 65536))
            except OSError:
                return False
            self.raw += text
            self.feed(text)
            wait = 0.02  # a frame comes in pieces
        return True

    # ---- what people do ----

    def wait(self, *what, no=()):
        """Until each pattern is on the screen, and none of `no` is; gives the text."""
        deadline = time.time() + self.seconds
        while time.time() < deadline:
            alive = self.read(0.05)
            text = self.text()
            if all(re.search(p, text, re.M) for p in what) and not any(re.search(p, text, re.M) for p in no):
                return text
            assert alive, f"it ended before {what} was on the screen:\n{self.raw[-2000:]}"
        raise AssertionError(f"{what} (without {no}) did not come on the screen:\n{self.text()}")

    def press(self, *keys):
        for key in keys:
            os.write(self.fd, KEYS.get(key, key).encode())

    def resize(self, rows, columns):
        self.cells = [(line + [" "] * columns)[:columns] for line in (self.cells + [[" "] * columns] * rows)[:rows]]
        self.rows, self.columns, self.top, self.bottom = rows, columns, 0, rows - 1
        self.row, self.column = min(self.row, rows - 1), min(self.column, columns - 1)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def kill(self, number):
        os.kill(self.pid, number)

    def ends(self, code):
        """It ends by itself with code and leaves the terminal as it was; what it said last."""
        deadline, status, at = time.time() + self.seconds, None, len(self.raw)
        while status is None and time.time() < deadline:
            self.read(0.05)
            pid, left = os.waitpid(self.pid, os.WNOHANG)
            status = os.waitstatus_to_exitcode(left) if pid else None
        if status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            raise AssertionError(f"it does not end:\n{self.text()}")
        self.read()
        assert status == code, (status, self.raw[-2000:])
        assert not self.alternate and self.visible, "the screen is not given back"
        os.close(self.fd)
        return self.raw[at:]
