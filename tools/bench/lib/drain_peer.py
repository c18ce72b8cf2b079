"""drain3 on the same lines, in a virtual environment of its own.

    python drain_peer.py NAME FILE [IDS]

NAME is default, or masked (the masks of drain3's README). Prints lines per CPU second, and clusters; IDS
gets the cluster of each line.
"""
import os
import subprocess
import sys
import time

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "eddy")
PACKAGES = ("drain3==0.9.11",)
NAMES = ("default", "masked")
MASKS = ((r"(([0-9a-f]{2,}:){3,}([0-9a-f]{2,}))", "ID"), (r"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})", "IP"),
         (r"([0-9a-f]{6,} ?){3,}", "SEQ"), (r"([0-9A-F]{4} ?){4,}", "SEQ"), (r"(0x[a-f0-9A-F]+)", "HEX"),
         (r"([\-\+]?\d+)", "NUM"))


def interpreter():
    """That of the virtual environment, made when missing; None when it cannot be."""
    home = os.path.join(CACHE, "peers-logs")
    python, mark = os.path.join(home, "bin", "python"), os.path.join(home, "packages")
    if os.path.exists(mark):
        with open(mark, encoding="ascii") as f:
            if f.read() == " ".join(PACKAGES):
                return python
    print("installing the peer: " + ", ".join(PACKAGES), file=sys.stderr)
    try:
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    except subprocess.CalledProcessError:
        print("the peer cannot be installed: it is left out", file=sys.stderr)
        return None
    with open(mark, "w", encoding="ascii") as f:
        f.write(" ".join(PACKAGES))
    return python


def run(python, *words):
    """(lines per CPU second, clusters)"""
    out = subprocess.run([python, os.path.abspath(__file__), *words], check=True, stdout=subprocess.PIPE,
                         text=True).stdout
    return [float(x) for x in out.split()]


def main(name, path, ids=None):
    import logging
    from drain3 import TemplateMiner
    from drain3.masking import MaskingInstruction
    from drain3.template_miner_config import TemplateMinerConfig

    logging.disable(logging.CRITICAL)
    config = TemplateMinerConfig()
    for pattern, mask in MASKS if name == "masked" else ():
        config.masking_instructions.append(
            MaskingInstruction(r"((?<=[^A-Za-z0-9])|^)" + pattern + r"((?=[^A-Za-z0-9])|$)", mask))
    miner = TemplateMiner(config=config)
    with open(path, encoding="utf-8", errors="replace") as f:
        lines = [line.rstrip("\n") for line in f]
    start = time.process_time()
    found = [miner.add_log_message(line)["cluster_id"] for line in lines]
    print(len(lines) / (time.process_time() - start), len(miner.drain.clusters))
    if ids:
        with open(ids, "w", encoding="ascii") as f:
            f.writelines(f"{id_}\n" for id_ in found)


if __name__ == "__main__":
    main(*sys.argv[1:])
