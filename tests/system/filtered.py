"""Runs a program under the system-call filter of a unit: filtered.py UNIT PROGRAM ARGUMENT ...
Groups (@system-service) are expanded by systemd-analyze, as systemd would."""
import errno
import os
import subprocess
import sys

import seccomp


def group(name):
    """The system calls of a group, those of the groups in it included."""
    text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name], check=True,
                          capture_output=True, text=True).stdout
    found = set()
    for word in (line.strip() for line in text.splitlines()[1:]):
        if word.startswith("@"):
            found |= group(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return found


def rules_of(unit):
    """What the lines of the unit leave, in their order: name -> None, or the error it ends with
    at once (`~name:ERROR`); `~` takes away."""
    calls = {}
    for line in open(unit):
        if not line.startswith("SystemCallFilter="):
            continue
        words = line.split("=", 1)[1].strip()
        away = words.startswith("~")
        for word in words.lstrip("~").split():
            word, _, error = word.partition(":")
            for call in group(word) if word.startswith("@") else {word}:
                calls.pop(call, None)
                if error or not away:
                    calls[call] = int(error) if error else None
    return calls


def main():
    unit, program, *arguments = sys.argv[1:]
    rules = seccomp.SyscallFilter(defaction=seccomp.ERRNO(errno.EPERM))
    for call, error in sorted(rules_of(unit).items()):
        try:
            rules.add_rule(seccomp.ALLOW if error is None else seccomp.ERRNO(error), call)
        except RuntimeError:  # a system call of other kernels or processors
            pass
    rules.load()
    os.execv(program, [program, *arguments])


if __name__ == "__main__":
    main()
