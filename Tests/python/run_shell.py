"""Talks to `optimystic shell` at a terminal: Ctrl-C ends the command that runs, not the shell.

usage: run_shell.py EXECUTABLE DIRECTORY
"""

import os
import pty
import select
import sys
import time

PATIENCE = 20


class Terminal:
    def __init__(self, arguments):
        self.text = ""
        self.process, self.descriptor = pty.fork()
        if self.process == 0:
            os.environ.update(OPTIMYSTIC_HISTORY="", TERM="dumb")
            os.execv(arguments[0], arguments)

    def expect(self, text):
        """Reads until `text` is there, and forgets everything up to it."""
        end = time.monotonic() + PATIENCE
        while text not in self.text:
            if time.monotonic() > end:
                sys.exit(f"run_shell: {text!r} does not come after {self.text!r}")
            if select.select([self.descriptor], [], [], 0.1)[0]:
                self.text += os.read(self.descriptor, 65536).decode()
        self.text = self.text.split(text, 1)[1]

    def type(self, text):
        os.write(self.descriptor, text.encode())


def main():
    executable, directory = sys.argv[1:]
    terminal = Terminal([executable, "--embedded", directory, "shell"])
    terminal.expect("embedded> ")
    terminal.type("diary append d 'first value'\n")
    terminal.expect("1.0")
    terminal.expect("embedded> ")
    terminal.type("diary follow d\n")
    terminal.expect("first value")
    terminal.type("\x03")
    terminal.expect("interrupted")
    terminal.expect("embedded> ")
    # At the prompt it does nothing, and tab completes.
    terminal.type("\x03diary re\t d\n")
    terminal.expect("first value")
    terminal.expect("embedded> ")
    terminal.type("exit\n")
    _, status = os.waitpid(terminal.process, 0)
    if status != 0:
        sys.exit(f"run_shell: the shell ends with {status}")
    print("run_shell: all of it held")


main()
