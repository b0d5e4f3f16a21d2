"""Processes on loopback that train together, as `TF_CONFIG` says.

Importing TensorFlow takes longer than a small training, so the processes are forks of one that has
imported it.
"""

import json
import socket
import subprocess
import sys
import threading

# Reads a job per line: the calls of each process, each with a moment at which it sends itself a
# signal. Writes the exit codes and what the processes printed.
NURSERY = """
import json, multiprocessing, os, signal, sys, time
from pathlib import Path
from pan_keras import training
from pan_keras.cli import main
from pan_keras.errors import Interrupted, UserError
from pan_keras.training import replicas
from pan_keras.training.trainer import Trainer

replicas.SILENT = 5.0  # seconds

def signal_itself(number, step):
    advance = Trainer._advance
    def advance_or_signal(self, state, batches):
        if state.step == step:
            os.kill(os.getpid(), number)
        return advance(self, state, batches)
    Trainer._advance = advance_or_signal

def work(job, index, output):
    with open(output, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if job["cluster"]:
        task = {"type": "worker", "index": index}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": job["cluster"]}, "task": task})
    if index == job["rank"]:
        signal_itself(job["signal"], job["step"])
    try:
        for name, arguments in job["calls"]:
            if name == "command":
                main(**arguments, standalone_mode=False)
            else:
                getattr(training, name)(**arguments)
    except UserError as error:
        print(f"Error: {error}", flush=True)
        os._exit(2)
    except Interrupted as stop:
        os._exit(128 + stop.signal)

for line in sys.stdin:
    job = json.loads(line)
    fork = multiprocessing.get_context("fork")
    outputs = [f"{job['folder']}/output-{index}.txt" for index in range(job["processes"])]
    children = [fork.Process(target=work, args=(job, *each)) for each in enumerate(outputs)]
    end = time.monotonic() + job["limit"]
    for child in children:
        child.start()
    for child in children:
        child.join(max(0.0, end - time.monotonic()))
    for child in children:
        if child.is_alive():
            child.kill()
            child.join()
    found = [[child.exitcode, Path(file).read_text()] for child, file in zip(children, outputs)]
    print("RESULT " + json.dumps(found), flush=True)
"""


class WorkerProcesses:
    """Runs trainings in several processes; to be closed.

    Args:
        limit: Seconds after which processes are killed, which gives them the exit code -9.
    """

    def __init__(self, limit=150):
        self.limit = limit
        self.nursery = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, folder, processes, *calls, cluster=True, rank=None, signal=0, step=0):
        """Exit code and output of each process.

        Args:
            folder: For their output.
            processes: How many are started.
            calls: Pairs of a function of `pan_keras.training`, or `command` for the command line,
                and its arguments.
            cluster: Whether they get a `TF_CONFIG`; or how many processes it names.
            rank: The process that sends itself a signal.
            signal: The signal.
            step: The number of steps done before it.
        """
        named = processes if cluster is True else int(cluster)
        job = {
            "folder": str(folder),
            "processes": processes,
            "calls": calls,
            "cluster": free_addresses(named),
            "rank": rank,
            "signal": int(signal),
            "step": step,
            "limit": self.limit,
        }
        print(json.dumps(job), file=self.nursery.stdin, flush=True)
        timer = threading.Timer(self.limit + 60, self.nursery.kill)
        timer.start()
        try:
            for line in self.nursery.stdout:
                if line.startswith("RESULT "):
                    return json.loads(line.removeprefix("RESULT "))
        finally:
            timer.cancel()
        raise AssertionError("the processes that start workers ended")

    def close(self):
        self.nursery.kill()
        self.nursery.communicate()


def free_addresses(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses
