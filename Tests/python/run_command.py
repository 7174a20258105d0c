"""Runs `optimystic` as a person and a script would, with words and streams that are bytes.

usage: run_command.py EXECUTABLE DIRECTORY GROUP
"""

import json
import os
import re
import resource
import subprocess
import sys

EXECUTABLE, PLACE, GROUP = sys.argv[1:]
# Of its own, so that nothing else is made there.
DIRECTORY = os.path.join(PLACE, "words")
os.mkdir(DIRECTORY)
DATABASE = os.path.join(DIRECTORY, "database")


class Ran:
    def __init__(self, words, code, output, errors):
        self.words, self.code, self.output, self.errors = words, code, output, errors

    def __repr__(self):
        return f"{self.words}: {self.code} {self.output!r} {self.errors!r}"


def encoded(words):
    return [word.encode() if isinstance(word, str) else word for word in words]


def raw(*words, input=b"", output=subprocess.PIPE, before=None, variables=None):
    words = encoded(words)
    process = subprocess.run(
        [EXECUTABLE.encode()] + words, input=input, stdout=output, stderr=subprocess.PIPE,
        timeout=60, preexec_fn=before, env=variables)
    return Ran(words, process.returncode, placed(process.stdout), process.stderr)


def placed(output):
    """Positions without the life they name, which differs from run to run."""
    return output and re.sub(rb"(\d+\.\d+)@\d+-[a-z2-7]{8}", rb"\1", output)


def run(*words, **how):
    return raw("--embedded", DATABASE, *words, **how)


def done(*words, **how):
    """Its output; it ends with 0."""
    ran = run(*words, **how)
    check(ran.code == 0, ran)
    return ran.output


def check(condition, ran):
    if not condition:
        raise AssertionError(repr(ran))


def refused(code, *words, says=b"", **how):
    ran = run(*words, **how)
    check(ran.code == code and says in ran.errors + (ran.output or b""), ran)
    return ran


def argument_bytes():
    # A key of text is text; bytes are written as such.
    refused(65, "tree", "put", "t", b"a\xff=1", says=b"byte 1 belongs to no text")
    done("tree", "put", "t", b"k=\xff\x01\r", b"l=\xfe")
    refused(65, "tree", "get", "t", b"\xfe", says=b"--key-type hex")
    check(done("tree", "get", "t", "k") == b"\xff\x01\r\n", "k")
    check(done("tree", "get", "t", "k", "--hex") == b"ff010d\n", "k")
    done("tree", "put", "t", b"l=new", b"--if-value=\xfe")
    refused(75, "tree", "put", "t", "l=x", b"--if-value=\xff", says=b"has the value given")
    done("queue", "enqueue", "q", b"\xff", b"\xfe", "é")
    check(done("queue", "dequeue", "q", "--count", "3") == b"\xff\n\xfe\n\xc3\xa9\n", "q")
    done("diary", "append", "b", b"\xff\xfe")
    done("diary", "append", "b", "--hex", "00ff")
    check(done("diary", "read", "b") == b"1.0\t\xff\xfe\n2.0\t\x00\xff\n", "b")
    check(done("diary", "read", "b", "--hex") == b"1.0\tfffe\n2.0\t00ff\n", "b")
    check(b'"hex":"00ff"' in done("diary", "read", "b", "--output", "json"), "b")
    # Names are text.
    for command in (["diary", "append", b"d\xff", "x"], ["collection", "drop", "--yes", b"d\xff"],
                    ["inspect", "tail", b"d\xff"], ["verify", b"d\xff"], ["queue", "count", b"d\xff"]):
        refused(65, *command, says=b"the collection's name is not UTF-8: byte 1")
    # Paths are bytes: two that differ are two databases, with exactly these names.
    for path in (b"x\xff", b"x\xfe"):
        ran = raw("--embedded", os.path.join(DIRECTORY.encode(), path), "diary", "append", "d", path)
        check(ran.code == 0, ran)
    check(sorted(os.listdir(DIRECTORY.encode())) == [b"database", b"x\xfe", b"x\xff"], "directories")
    for path in (b"x\xff", b"x\xfe"):
        ran = raw("--embedded", os.path.join(DIRECTORY.encode(), path), "diary", "read", "d")
        check(ran.output == b"1.0\t" + path + b"\n", ran)
    ran = raw("--embedded", os.path.join(DIRECTORY.encode(), b"no\xff", b"x"), "collections")
    check(ran.code != 0 and b"/no\\xff is not a directory" in ran.errors, ran)
    # So are those of a service, from flags and from variables.
    data = os.path.join(DIRECTORY.encode(), b"data\xff")
    peer = [os.path.join(os.path.dirname(EXECUTABLE), "storage-peer"), "init"]
    ran = subprocess.run(peer + [b"--data-directory=" + data], capture_output=True)
    check(ran.returncode == 0 and os.path.isdir(data), ran)
    cluster = os.path.join(DIRECTORY.encode(), b"cluster\xfe.json")
    ran = raw("cluster", "plan", "--name", "n", "--replicas", "1", "--shards", "1",
              b"--peer=" + data + b"=127.0.0.1:7710", "--coordinator", "127.0.0.1:7720",
              "--proxy", "127.0.0.1:7730", b"--out=" + cluster)
    check(ran.code == 0, ran)
    variables = dict(os.environb)
    variables[b"OPTIMYSTIC_STORAGE_PEER_DATA_DIRECTORY"] = data[:-1] + b"\xfe"
    variables[b"OPTIMYSTIC_STORAGE_PEER_CLUSTER_FILE"] = cluster
    ran = subprocess.run(peer, env=variables, capture_output=True)
    check(ran.returncode == 0 and os.path.isdir(data[:-1] + b"\xfe"), ran)
    variables = dict(os.environb)
    variables[b"OPTIMYSTIC_URL"] = b"optimystic://127.0.0.1:1/\xff"
    ran = raw("collections", variables=variables)
    check(ran.code == 65 and b"OPTIMYSTIC_URL" in ran.errors, ran)
    # A file of any name is opened as that file.
    file = os.path.join(DIRECTORY.encode(), b"f\xff.jsonl")
    with open(file, "wb") as stream:
        stream.write(b'{"k":"a"}\n')
    check(b"1 records landed" in done("tree", "import", "i", file, "--key", "k"), "import")
    os.unlink(file)


def exact_text():
    done("tree", "put", "c", "k=\u0301x", "m\u0301=1", "=\u0301")
    check(done("tree", "get", "c", "k") == "\u0301x\n".encode(), "k")
    check(done("tree", "get", "c", "m\u0301") == b"1\n", "m")
    check(done("tree", "get", "c", "--", "") == "\u0301\n".encode(), "the empty key")
    # Two ways to write one letter are two keys, two collections and two members.
    done("tree", "put", "n", "\u00e9=1", "e\u0301=2")
    check(done("tree", "count", "n") == b"2\n", "n")
    done("diary", "append", "d\u00e9", "one")
    done("diary", "append", "de\u0301", "two")
    check(done("diary", "read", "d\u00e9") == b"1.0\tone\n", "d")
    lines = done("shell", input='tree put s k="v"\u0301 \'w\'\u0301=1\ntree get s k\n'.encode())
    check(lines == "1\nv\u0301\n".encode(), lines)
    both = '{"k":"a","\u00e9":1,"e\u0301":2}\n'.encode()
    done("tree", "import", "j", "-", "--format", "jsonl", "--key", "k", input=both)
    out = done("tree", "export", "j", "--format", "csv", "--lossy")
    check(out.startswith("e\u0301,k,\u00e9\r\n".encode()), out)
    done("tree", "import", "j2", "-", "--format", "csv", "--key", "k", input=out)
    out = done("tree", "export", "j2")
    check(out == '{"e\u0301":"2","k":"a","\u00e9":"1"}\n'.encode(), out)


def standard_input():
    lines = b"a\xff\r\n\r\n\nlast"
    check(done("diary", "append", "d", "-", input=lines) == b"1.0\n2.0\n3.0\n4.0\n", "append")
    check(done("diary", "read", "d", "--hex") == b"1.0\t61ff0d\n2.0\t0d\n3.0\t\n4.0\t6c617374\n", "read")
    check(done("diary", "append", "h", "--hex", "-", input=b"00\nff\n") == b"1.0\n2.0\n", "hex")
    refused(64, "diary", "append", "h", "--hex", "-", input=b"0\n", says=b"hexadecimal")
    done("diary", "append", "d", "--", "-")
    check(done("diary", "read", "d", "--after", "4.0") == b"5.0\t-\n", "a dash")
    # A line without end is refused when its limit is passed, and what landed before is told.
    with subprocess.Popen(
            [EXECUTABLE, "--embedded", DATABASE, "diary", "append", "l", "-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdin.write(b"one\n")
        sent = 0
        try:
            while sent < 300_000_000:
                sent += process.stdin.write(b"x" * 65536)
            process.stdin.close()
        except BrokenPipeError:
            pass
        output, errors = placed(process.stdout.read()), process.stderr.read()
        process.stdin = None
        code = process.wait(30)
    check(code == 65 and output == b"1.0\n" and sent < 10_000_000, (code, output, errors, sent))
    check(b"line 2 of standard input is longer than 65536 bytes" in errors, errors)
    check(b"stopped at line 2; the 1 before it" in errors, errors)
    check(done("diary", "read", "l") == b"1.0\tone\n", "l")
    ran = run("shell", input=b"tree count x" + b" " * 20_000_000)
    check(ran.code == 65 and b"longer than" in ran.errors, ran.errors)
    check(done("shell", input=b"diary append u '\xff\xfe'\r\ndiary read u --hex\n") == b"1.0\n1.0\tfffe\n", "u")


def dashes():
    check(done("diary", "append", "inj", "-hello") == b"1.0\n", "inj")
    refused(64, "diary", "append", "inj", "--hello", says=b"stands behind --")
    refused(64, "diary", "append", "inj", "--help", says=b"-- --help")
    check(done("diary", "append", "inj", "--", "--help") == b"2.0\n", "inj")
    check(done("diary", "read", "inj") == b"1.0\t-hello\n2.0\t--help\n", "inj")
    done("tree", "put", "t", "-h=1", "-5=2", "a=-x")
    check(done("tree", "get", "t", "-h") == b"1\n", "t")
    check(done("tree", "range", "t", "--from", "-5", "--to", "-h") == b"-5\t2\n", "t")
    done("tree", "delete", "t", "-h")
    refused(1, "tree", "get", "t", "-h", says=b"no value for key")
    done("tree", "put", "t", "a=b", "--if-value", "-x", "--delete", "-5")
    check(done("tree", "range", "t") == b"a\tb\n", "t")
    done("queue", "enqueue", "jobs", "-hello", "-h", "--", "--count")
    check(done("queue", "dequeue", "jobs", "--count", "9") == b"-hello\n-h\n--count\n", "jobs")
    check(done("--output", "json", "tree", "--timeout", "9s", "get", "t", "a")
          == b'{"key":"a","text":"b"}\n', "places")
    ran = raw("tree", "--embedded", DATABASE, "get", "t", "a")
    check(ran.code == 0 and ran.output == b"b\n", ran)
    ran = raw("diary", "append", "--help")
    check(ran.code == 0 and b"USAGE" in ran.output, ran)


def closed_output():
    lines = b"".join(b"%d\n" % n for n in range(1000))
    reader = subprocess.Popen(["head", "-1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    ran = run("diary", "append", "p", "-", input=lines, output=reader.stdin)
    reader.stdin.close()
    check(placed(reader.stdout.read()) == b"1.0\n", ran)
    reader.wait()
    check(ran.code == 0 and b"all 1000 entries were appended" in ran.errors, ran)
    check(done("diary", "read", "p").count(b"\n") == 1000, "p")
    # Nobody reads: nothing is taken. Nothing can be written: what was taken is told.
    done("queue", "enqueue", "q", "a", b"b\xff", "c", "d")
    read, write = os.pipe()
    os.close(read)
    ran = run("queue", "dequeue", "q", "--count", "2", output=write)
    os.close(write)
    check(ran.code == 74 and b"nothing was taken" in ran.errors, ran)
    check(done("queue", "count", "q") == b"4\n", "q")
    with open("/dev/full", "wb") as full:
        ran = run("queue", "dequeue", "q", "--count", "2", output=full)
        check(ran.code == 74 and b"taken: a\n" in ran.errors and b"taken: b\\xff\n" in ran.errors, ran)
        check(done("queue", "count", "q") == b"2\n", "q")
        again = ran.errors.split(b"`optimystic ")[1].split(b"`")[0].split(b" ")
        check(done(*again) == b"a\nb\xff\n", ran)
        ran = run("queue", "dequeue", "q", "--output", "json", output=full)
        lost = [json.loads(line) for line in ran.errors.splitlines()]
        check(ran.code == 74 and lost[0] == {"taken": [{"text": "c"}]}, ran)
        check(lost[1]["error"]["exitCode"] == 74, ran)
        # What is asked to be written is written, and the code says that its result is not.
        ran = run("tree", "put", "t", "a=1", output=full)
        check(ran.code == 74 and b"what was asked for is done" in ran.errors, ran)
        check(done("tree", "get", "t", "a") == b"1\n", "t")
        ran = run("diary", "append", "f", "-", input=b"1\n2\n3\n", output=full)
        check(ran.code == 74, ran)
        check(done("diary", "read", "f").count(b"\n") == 3, "f")
        ran = run("diary", "read", "p", output=full)
        check(ran.code == 74, ran)
    # Descriptors that are closed are not those of the store's files.
    def close():
        for descriptor in (1, 2):
            os.close(descriptor)
    ran = run("diary", "append", "p", "closed", output=None, before=close)
    check(ran.code == 74, ran)
    check(done("diary", "read", "p").count(b"\n") == 1001, "p")
    done("verify")
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    reader.wait()
    ran = run("diary", "read", "p", output=reader.stdin)
    check(ran.code == 0, ran)
    refused(1, "tree", "get", "t", "zz", output=reader.stdin)


def messages():
    for command in (["tree", "put", "", "a=1"], ["diary", "append", "", "x"], ["queue", "count", ""],
                    ["collection", "drop", "--yes", ""], ["inspect", "tail", ""], ["verify", ""]):
        refused(64, *command, says=b"the collection's name is empty")
    check(not os.path.exists(DATABASE), "something was opened for a name that is none")
    refused(1, "inspect", "tail", "nosuch", says=b"absent")
    done("tree", "put", "t", "a=1")
    ran = refused(75, "tree", "put", "t", "a=2", "--if-absent", says=b'key "a" has no value')
    check(b"transaction" not in ran.errors, ran)
    refused(64, "tree", "range", "t", "--limit", "-1", says=b"--limit is 0 or more, not -1")
    ran = raw("--timeout", "1ms", "--connect", "optimystic://127.0.0.1:1/x", "status")
    check(ran.code != 0 and b"less than 1 ms was given" not in ran.errors, ran)
    help = raw("tree", "put", "--help").output
    check(b"default: 1)" not in help and b"bytes - " not in help, help)
    check(b"(values: bytes, json; default: bytes)" in b" ".join(help.split()), help)
    # Errors are objects where results are.
    for words, code, name in (
            (["tree", "get", "none", "a"], 65, "collectionNotFound"),
            (["nonsense"], 64, "invalidArgument"), (["diary", "read"], 64, "invalidArgument"),
            (["diary", "append", b"\xff", "x"], 65, "textInvalid"),
            (["tree", "range", "t", "--limit", "-1"], 64, "invalidArgument")):
        ran = run("--output", "json", *words)
        error = json.loads(ran.errors)["error"]
        check(ran.code == code == error["exitCode"] and error["name"] == name, ran)
        check(error["outcome"] == "notApplied" and error["message"] and error["remedy"], ran)
    lines = b"".join(b"tree put more%d a=1\n" % number for number in range(70))
    done("shell", input=lines)
    check(b"registers more" in done("status"), "status")
    check(len(done("collections").splitlines()) == 71, "collections")


def shell():
    def lines(text):
        return run("shell", input=text)
    ran = lines(b"exit 3\ntree count t\n")
    check(ran.code == 3 and ran.output == b"", ran)
    check(lines(b"exit\n").code == 0, "exit")
    ran = lines(b"exit x\n")
    check(ran.code == 64 and b"from 0 to 255" in ran.errors, ran)
    ran = lines(b"tre get t a\n")
    check(ran.code == 64 and b'there is no command "tre"' in ran.errors, ran)
    check(b"--output" not in ran.errors, ran)
    ran = lines(b"diary apend d x\n")
    check(ran.code == 64 and b'there is no command "apend" of `diary`' in ran.errors, ran)
    ran = lines(b"help\nhelp tree get\nexplain conflict\n")
    check(ran.code == 0 and b"SUBCOMMANDS" in ran.output and b"USAGE" in ran.output, ran)
    # A line of a megabyte and one of many words take no time worth a word.
    value = b"x" * 60_000
    pairs = b" ".join(b"k%d=%s" % (number, value) for number in range(16))
    many = b" ".join(b"v%d" % number for number in range(1000))
    ran = lines(b"tree put l " + pairs + b"\nqueue enqueue m " + many + b"\nqueue count m\n")
    check(ran.code == 0 and ran.output == b"1\n1\n1000\n", (ran.code, ran.output, ran.errors))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    check(peak < 400_000, f"{peak} kB")


GROUPS = {
    group.__name__: group
    for group in (argument_bytes, exact_text, standard_input, dashes, closed_output, messages, shell)
}
GROUPS[GROUP]()
print(f"run_command: {GROUP} held")
