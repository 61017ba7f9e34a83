"""Tries what a sandbox may refuse, and says of each thing whether it succeeded. `told.json` says what there is."""

import errno
import json
import os
import resource
import socket
import subprocess

told = json.load(open("told.json"))


def attempt(words, act, *args):
    try:
        act(*args)
        print("OK", words)
    except Exception as error:
        print("NO", words, "#", act.__name__, args, error)


def read(path):
    open(path).read()


def write(path, mode):
    open(path, mode).write("x")


def move_to(path):
    open("moved", "w").write("x")
    subprocess.run(["mv", "moved", path], check=True, capture_output=True)


def change_mode(path):
    os.chmod(path, 0o640)


def connect(family, address):
    with socket.socket(family) as it:
        it.connect(address)


def reach(terminal):
    try:
        os.close(os.open(terminal, os.O_RDWR | os.O_NOCTTY))
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.ENOENT):
            raise


def take_memory():
    bytearray(256 << 20)


def start_many():
    many = [subprocess.Popen(["sleep", "60"]) for _ in range(150)]
    for one in many:
        one.kill()
        one.wait()


def is_as_outside(limit):
    """A limit inside that is not there outside is one that the sandbox set."""
    assert limits()[limit] == told["limits"][limit]


def limits():
    """What limits this very process."""
    both = {"memory": resource.RLIMIT_AS, "processes": resource.RLIMIT_NPROC}
    said = {name: list(resource.getrlimit(limit)) for name, limit in both.items()}
    return {**said, "group": open("/proc/self/cgroup").read()}


def main():
    for place in told["places"]:
        for act, path in [(read, "canary"), (os.listdir, "")]:
            attempt("reads outside the workspace and the system", act, os.path.join(place, path))
        for act, *args in [(write, "new", "w"), (write, "canary", "a"), (os.mkdir, "folder"), (move_to, "moved")]:
            attempt("writes outside the workspace", act, os.path.join(place, args[0]), *args[1:])
        attempt("modes and times of files outside", change_mode, os.path.join(place, "canary"))
    process = f"/proc/{told['pid']}"
    attempt("the environment and memory of other processes", read, f"{process}/environ")
    attempt("the sight of other processes", read, f"{process}/stat")
    attempt("signals to other processes", os.kill, told["pid"], 0)
    attempt("the terminals of the user", reach, told["terminal"])
    attempt("programs that listen on a socket with a path", connect, socket.AF_UNIX, told["socket"])
    attempt("the network", connect, socket.AF_INET, ("127.0.0.1", told["port"]))
    for words, act, limit in [("memory", take_memory, "memory"), ("the number of processes", start_many, "processes")]:
        attempt(words, act)
        attempt(words, is_as_outside, limit)
        attempt(words, is_as_outside, "group")
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    left = subprocess.Popen(["sleep", "600"], start_new_session=True, **quiet)
    print("LEFT", left.pid)


if told.get("limits"):
    main()
else:
    print(json.dumps(limits()))
