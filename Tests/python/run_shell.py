"""Talks to `optimystic shell` at a terminal: keys, completion, and characters of every kind.

usage: run_shell.py EXECUTABLE DIRECTORY
"""

import codecs
import os
import pty
import select
import sys
import time

PATIENCE = 20


class Terminal:
    def __init__(self, arguments):
        self.text = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.process, self.descriptor = pty.fork()
        if self.process == 0:
            os.environ.update(OPTIMYSTIC_HISTORY="", TERM="dumb", LC_ALL="C")
            os.execv(arguments[0], arguments)

    def expect(self, text):
        """Reads until `text` is there, and forgets everything up to it."""
        end = time.monotonic() + PATIENCE
        while text not in self.text:
            if time.monotonic() > end:
                sys.exit(f"run_shell: {text!r} does not come after {self.text!r}")
            if select.select([self.descriptor], [], [], 0.1)[0]:
                self.text += self.decoder.decode(os.read(self.descriptor, 65536))
        self.text = self.text.split(text, 1)[1]

    def type(self, text):
        os.write(self.descriptor, text if isinstance(text, bytes) else text.encode())

    def end(self, ending):
        """Types what ends the shell, and returns its exit code."""
        self.type(ending)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            process, status = os.waitpid(self.process, os.WNOHANG)
            if process != 0:
                return os.waitstatus_to_exitcode(status)
            if select.select([self.descriptor], [], [], 0.1)[0]:
                try:
                    os.read(self.descriptor, 65536)
                except OSError:
                    time.sleep(0.01)
        sys.exit(f"run_shell: {ending!r} does not end the shell")

    def run(self, line, answer):
        self.type(line)
        self.type("\n")
        self.expect(answer)
        self.expect("embedded> ")


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
    # At the prompt it drops the line.
    terminal.type("diary append d dropped")
    time.sleep(0.2)
    terminal.type("\x03")
    terminal.expect("^C")
    terminal.expect("embedded> ")
    # Tab completes commands, options and collections.
    terminal.run("diary re\t d", "first value")
    terminal.run("diary read d --rev\t", "\tfirst value")
    terminal.run("diary read \t", "\tfirst value")
    # Characters of several bytes are values, whatever the locale; bytes that are none are refused.
    text = "na\u00efve \u043a\u043b\u044e\u0447 \u65e5\u672c \U0001f1f5 e\u0301"
    terminal.run(f"diary append d '{text}'", "2.0")
    terminal.run("diary read d --hex --after 1.0", "\t" + text.encode().hex())
    terminal.run(b"diary append d \xffx", "the line was not run")
    terminal.run(b"diary append d \xc3x", "the line was not run")
    terminal.run("diary read d --reverse --limit 1 --hex", "\t")
    terminal.run("diray read d", 'there is no command "diray"')
    status = terminal.end("exit 3\n")
    if status != 3:
        sys.exit(f"run_shell: the shell ends with {status}")
    # The end of the input, and `exit` alone, end it with the code of the last line.
    for lines, ending, code in (
            (["tree nosuch"], "\x04", 64), (["tree nosuch", "explain conflict"], "\x04", 0),
            (["tree get none a"], "exit\n", 65), (["tree get none a", ""], "exit\n", 65),
            (["tree get none a"], "exit 0\n", 0)):
        terminal = Terminal([executable, "--embedded", directory, "shell"])
        terminal.expect("embedded> ")
        for line in lines:
            terminal.type(line + "\n")
            terminal.expect("embedded> ")
        status = terminal.end(ending)
        if status != code:
            sys.exit(f"run_shell: {lines} and {ending!r} end with {status}, not {code}")
    # Also when it is typed ahead, while the command before it runs.
    terminal = Terminal([executable, "--embedded", directory, "shell"])
    terminal.expect("embedded> ")
    status = terminal.end("tree nosuch\n\x04")
    if status != 64:
        sys.exit(f"run_shell: what is typed ahead ends it with {status}")
    print("run_shell: all of it held")


main()
