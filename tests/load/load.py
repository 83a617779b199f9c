#!/usr/bin/env python3
"""Load tests: a server, and visavis-load against it.

    load.py short|long --server PATH --load PATH

short   20 subscribers of one publisher for 10 s lose nothing; a room of 10 joins
        and leaves 10 times and the server has as many threads and
        descriptors as after round 2, and no memory that grows with each round.
        Loopback only. About 20 s.
long    100 subscribers of one publisher for 60 s lose nothing, packets counted by
        nft in a network namespace of the subscribers; a room of 30 joins and
        leaves 100 times and the server has as many threads and descriptors,
        and at most 5 % more memory than after round 20. Needs root for the
        namespaces; without it the first part is skipped, and says so.

--only NAME runs one part: meeting, rooms.
Exit code: 0 when all that ran passed.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

KEY = "devkey"
SECRET = "only-for-load-tests-in-a-namespace"
PORT = 7890
# Reserved for benchmarks (RFC 2544): nobody's addresses.
SERVER_IP, CLIENT_IP = "198.18.0.1", "198.18.0.2"
# Shorter datagrams are reports, requests and checks.
MEDIA_LEN = 1000


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("form", choices=["short", "long"])
    parser.add_argument("--server", required=True, type=pathlib.Path)
    parser.add_argument("--load", required=True, type=pathlib.Path)
    parser.add_argument("--only", choices=["meeting", "rooms"])
    arguments = parser.parse_args()
    long = arguments.form == "long"
    parts = {
        "meeting": meeting_in_namespaces if long else meeting,
        "rooms": rooms,
    }
    failed = []
    for name, part in parts.items():
        if arguments.only in (None, name):
            print(f"== {name}", flush=True)
            if not part(arguments.server.resolve(), arguments.load.resolve(), long):
                failed.append(name)
    for name in failed:
        print(f"FAILED: {name}", file=sys.stderr)
    return 1 if failed else 0


def meeting(server, load, _long):
    """One publisher, 20 subscribers, 10 s, on loopback."""
    with running(server, "127.0.0.1") as pid:
        options = ["--subscribers", "20", "--seconds", "10", "--audio", "--max-loss", "0"]
        return run_load(load, "127.0.0.1", options, pid) is not None


def rooms(server, load, long):
    """A room that fills and empties again and again, on loopback."""
    rounds, joins, growth = (100, 30, 5) if long else (10, 10, 50)
    with running(server, "127.0.0.1") as pid:
        options = ["--publishers", "3", "--audio", "--joins-per-second", "0"]
        options += ["--rounds", str(rounds), "--round-joins", str(joins)]
        options += ["--max-growth", str(growth)]
        return run_load(load, "127.0.0.1", options, pid) is not None


def meeting_in_namespaces(server, load, _long):
    """One publisher, 100 subscribers, 60 s, counted from outside."""
    if why := no_namespaces():
        print(f"SKIPPED: 100 subscribers counted by nft: {why}")
        return True
    with namespaces() as (server_side, client_side):
        with running(server, SERVER_IP, inside=server_side) as pid:
            nft(client_side, COUNTING)
            begin = f"ip netns exec {client_side} nft flush set inet count received"
            options = ["--subscribers", "100", "--seconds", "60", "--max-loss", "0"]
            options += ["--before-window", begin]
            report = run_load(load, SERVER_IP, options, pid, inside=client_side)
            return report is not None and counted_all(client_side, report)


# Per port of the subscribers: packets that begin with RTP's version 2. nft takes
# the first two bits behind the UDP header.
COUNTING = f"""
table inet count {{
    set received {{
        type inet_service
        size 4096
        flags dynamic
        counter
    }}
    chain input {{
        type filter hook input priority 0
        ip saddr {SERVER_IP} udp sport {PORT} udp length >= {MEDIA_LEN} @th,64,2 2 add @received {{ udp dport }}
    }}
}}
"""


def counted_all(client_side, report):
    """Whether every subscriber's port got all packets, by the kernel's count."""
    listing = ip_netns(client_side, "nft", "-j", "list", "set", "inet", "count", "received")
    parts = json.loads(listing.stdout)["nftables"]
    elements = next(part["set"] for part in parts if "set" in part).get("elem", [])
    counts = [element["elem"]["counter"]["packets"] for element in elements]
    steady = report["steady"]
    wanted, receivers = steady["published"], steady["receivers"]
    least, most = min(counts, default=0), max(counts, default=0)
    print(f"nft           {len(counts)} ports, {least} to {most} packets each, {sum(counts)} in all")
    if len(counts) != receivers:
        print(f"nft saw {len(counts)} receiving ports, not {receivers}", file=sys.stderr)
    if least < wanted:
        print(f"nft saw {least} packets to a port, not {wanted}", file=sys.stderr)
    return len(counts) == receivers and least >= wanted


def no_namespaces():
    """Why network namespaces can't be used here, if so."""
    if os.geteuid() != 0:
        return "it needs root"
    for tool in ("ip", "nft"):
        if not shutil.which(tool):
            return f"it needs {tool} (Debian: apt install iproute2 nftables)"
    return None


@contextlib.contextmanager
def namespaces():
    """Two namespaces, a cable between them; both gone afterwards."""
    server_side, client_side = f"vvload-{os.getpid()}-s", f"vvload-{os.getpid()}-c"
    made = []
    try:
        for name in (server_side, client_side):
            ip("netns", "add", name)
            made.append(name)
        # One segment a packet: nft must see datagrams, not the runs that the
        # server hands to the kernel.
        ip("link", "add", "vv0", "netns", server_side, "gso_max_segs", "1", "txqueuelen", "10000",
           "type", "veth", "peer", "name", "vv0", "netns", client_side)
        for name, address in ((server_side, SERVER_IP), (client_side, CLIENT_IP)):
            ip("-n", name, "address", "add", f"{address}/30", "dev", "vv0")
            ip("-n", name, "link", "set", "vv0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield server_side, client_side
    finally:
        for name in made:
            ip("netns", "delete", name)


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def ip_netns(inside, *words, **options):
    command = ["ip", "netns", "exec", inside, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, **options)


def nft(inside, rules):
    ip_netns(inside, "nft", "-f", "-", input=rules)


@contextlib.contextmanager
def running(server, address, inside=None):
    """A server at `address`; its process id. It gets SIGTERM at the end."""
    with tempfile.TemporaryDirectory(prefix="visavis-load-") as folder:
        command = [server, "serve", "--port", str(PORT), "--bind", address]
        command += ["--data-dir", folder, "--log-level", "warn"]
        environment = os.environ | {"LIVEKIT_KEYS": f"{KEY}: {SECRET}"}
        within = ["ip", "netns", "exec", inside] if inside else []
        # "ip netns exec" becomes the program: the process id is the server's.
        process = subprocess.Popen(
            within + command, env=environment, cwd=folder, stdout=subprocess.DEVNULL
        )
        try:
            wait_until_up(process, within, address)
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                print("the server had to be killed", file=sys.stderr)


def wait_until_up(process, within, address):
    """Returns when the server answers."""
    url = f"http://{address}:{PORT}/"
    ask = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=1)"
    for _ in range(100):
        if process.poll() is not None:
            raise SystemExit(f"the server ended at its start, with {process.returncode}")
        try:
            if within:
                command = [*within, sys.executable, "-c", ask, url]
                subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
            else:
                urllib.request.urlopen(url, timeout=1)
            return
        except (OSError, subprocess.CalledProcessError):
            time.sleep(0.1)
    raise SystemExit("the server does not answer")


def run_load(load, address, options, server_pid, inside=None):
    """The load's report, or nothing when it complained; both are shown."""
    command = ["ip", "netns", "exec", inside] if inside else []
    command += [load, "--url", f"ws://{address}:{PORT}", "--key", KEY, "--secret", SECRET]
    command += ["--server-pid", str(server_pid), "--json", *options]
    # Ten minutes: what takes longer hangs.
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=600)
    try:
        report = json.loads(ran.stdout)
    except ValueError:
        return None
    show(report)
    return report if ran.returncode == 0 else None


def show(report):
    """The report without most of its rounds."""
    rounds = report.get("footprints", [])
    if len(rounds) > 3:
        fifth = max(len(rounds) // 5, 1) - 1
        report = report | {"footprints": [rounds[0], rounds[fifth], rounds[-1]]}
    print(json.dumps(report, indent=1), flush=True)


if __name__ == "__main__":
    sys.exit(main())
