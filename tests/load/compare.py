#!/usr/bin/env python3
"""CPU per forwarded packet, this server beside another LiveKit-speaking one.

    compare.py --server PATH --load PATH --peer LIVEKIT-SERVER [--rounds N]

One publisher (2 Mbit/s, 30 frames of 8 packets each second) and 50 subscribers on
loopback, 10 s a round, the two servers in turn. Prints a Markdown table of the
least and the most CPU time of the server's process per packet that a subscriber
received, and of the latencies. What counts is the ratio: both share the machine
with the load generator.
"""

import argparse
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

KEY, SECRET = "devkey", "only-for-load-tests-on-loopback-here"
PORTS = {"visavis": 7930, "peer": 7940}
PEER_CONFIG = f"""
port: {PORTS["peer"]}
rtc: {{udp_port: 7942, tcp_port: 7941, use_external_ip: false, node_ip: 127.0.0.1, enable_loopback_candidate: true}}
keys: {{{KEY}: {SECRET}}}
logging: {{level: error}}
"""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("server", "load", "peer"):
        parser.add_argument(f"--{name}", required=True, type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rows = {name: [] for name in PORTS}
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "peer.yaml").write_text(PEER_CONFIG)
        commands = {
            "visavis": [arguments.server, "serve", "--port", str(PORTS["visavis"]), "--log-level", "error",
                        "--keys", f"{KEY}: {SECRET}", "--data-dir", folder / "data"],
            "peer": [arguments.peer, "--config", folder / "peer.yaml"],
        }
        pids = {name: stack.enter_context(running(command, PORTS[name])) for name, command in commands.items()}
        for turn in range(arguments.rounds):
            for name, pid in pids.items():
                rows[name].append(measure(arguments.load, PORTS[name], pid, turn))
    print_table(rows)


@contextlib.contextmanager
def running(command, port):
    """A server that answers; killed afterwards."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    sys.exit(f"{command[0]} does not answer on port {port}")
                time.sleep(0.05)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def measure(load, port, pid, turn):
    """Microseconds of CPU per packet, and the latencies, of one round."""
    command = [load, "--url", f"ws://127.0.0.1:{port}", "--key", KEY, "--secret", SECRET,
               "--room", f"compare-{turn}", "--publishers", "1", "--subscribers", "50",
               "--seconds", "10", "--max-loss", "0", "--server-pid", str(pid), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        sys.exit(f"the load generator failed: {done.stdout}{done.stderr}")
    steady = json.loads(done.stdout)["steady"]
    return steady["server_cpu_ms"] * 1000 / steady["received"]["sum"], steady["latency_us"]


def print_table(rows):
    print("| server | CPU per packet, µs | latency p50, µs | p99, µs |\n|---|---|---|---|")
    for name, rounds in rows.items():
        cpu = sorted(cpu for cpu, _ in rounds)
        medians, worst = ([latency[at] for _, latency in rounds] for at in (0, 2))
        print(f"| {name} | {cpu[0]:.2f} to {cpu[-1]:.2f} | {min(medians)} to {max(medians)} | {min(worst)} to {max(worst)} |")
    least = {name: min(cpu for cpu, _ in rounds) for name, rounds in rows.items()}
    print(f"\nleast to least, the peer takes {least['peer'] / least['visavis']:.1f} times the CPU")


if __name__ == "__main__":
    main()
