"""Attacks a listener until it is told to stop: python3 attacker.py PORT TOPOLOGY

Wild requests of strangers, from several threads, as fast as they are answered. On SIGTERM it says how many were.
"""

import random
import signal
import socket
import sys
import threading

import wild

THREADS = 8
TOKENS = ("", "0" * 64)


def attack(seed, place, topology, counts, is_over):
    chance = random.Random(seed)
    while not is_over.is_set():
        try:
            request = wild.wild(chance, topology, TOKENS)
            # The few that would wait for the listener's patience to end would only slow the attack.
            request.hangs_up = True
            with socket.create_connection(place, timeout=60) as connection:
                counts[seed] += bool(wild.exchange(connection, request))
        except ConnectionRefusedError:
            # It has just been started.
            is_over.wait(0.02)


def main():
    place, topology = ("127.0.0.1", int(sys.argv[1])), sys.argv[2]
    is_over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: is_over.set())
    counts = [0] * THREADS
    threads = [threading.Thread(target=attack, args=(seed, place, topology, counts, is_over), daemon=True)
               for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    is_over.wait()
    for thread in threads:
        thread.join(10)
    print(sum(counts))


if __name__ == "__main__":
    main()
