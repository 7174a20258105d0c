"""What containers would run, without a container engine: run_containers.py EXECUTABLES CACHE.

Checks deploy/docker-compose.yml with Compose itself. Then makes a plain Debian root, runs the RUN
lines of the image's last stage in it, puts the executables where COPY says, and starts the services
of the compose file with its command lines, users, volumes, host names, read-only roots and health
checks, in a network namespace of their own; last it runs the load test of the compose file.

What is not checked: the builder's swift image, and what only an engine does (restarts, networks of
several hosts, capabilities).

EXECUTABLES is the build folder. CACHE keeps the Debian root and what the RUN lines made of it, so
that only the first run needs the network; it is safe to remove. Ends with 0 when everything held.
"""

import contextlib
import ctypes
import fcntl
import glob
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "deploy/docker-compose.yml"
SUITE = "bookworm"
START_SECONDS = 30
LOAD = {"LOAD_CLIENTS": "8", "LOAD_SECONDS": "2", "LOAD_RECORDS": "1000", "LOAD_OUTPUT": "json"}

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
libc = ctypes.CDLL(None, use_errno=True)


def fail(what):
    raise SystemExit(f"run_containers: {what}")


def say(what):
    print(f"run_containers: {what}", flush=True)


def check(condition, what):
    if not condition:
        fail(what)


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    check(done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout.decode()}")
    return done.stdout.decode()


# The files.


def compose_file():
    """The services as Compose reads them, with every variable and every anchor put in."""
    text = subprocess.run(
        ["docker-compose", "--file", str(COMPOSE), "--profile", "load-test", "config"],
        capture_output=True, env={**os.environ, **LOAD})
    check(text.returncode == 0, f"Compose refuses the file: {text.stderr.decode()}")
    return yaml.safe_load(text.stdout)["services"]


def dockerfile():
    """The stages by their names: (base image, instructions), each instruction with its rest."""
    text = (ROOT / "deploy/Dockerfile").read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    stages = {}
    for line in filter(str.strip, joined.splitlines()):
        word, rest = line.split(None, 1)
        if word == "FROM":
            image, name = re.fullmatch(r"(\S+) AS (\S+)", rest).groups()
            stage = stages[name] = (image, [])
        else:
            stage[1].append((word, rest))
    return stages


def check_files(services, stages):
    check(list(stages) == ["builder", "runtime"], f"the stages are {list(stages)}")
    check(stages["runtime"][0] == f"debian:{SUITE}-slim", "the runtime stage is another Debian")
    builder = " ".join(rest for word, rest in stages["builder"][1] if word == "RUN")
    packages = re.search(r"^packages := (.*?[^\\])$", (ROOT / "Makefile").read_text(), re.M | re.S)
    wanted = set(re.findall(r"lib\S+-dev", builder))
    check(wanted, "the builder installs no libraries")
    check(wanted <= set(packages[1].split()), f"make setup does not install all of {wanted}")
    built = set(re.findall(r"--product (\S+)", builder))
    collected = re.search(r"for name in (.*); do", (ROOT / "deploy/collect.sh").read_text())
    check(built == set(collected[1].split()), "what is built is not what is collected")
    for name, service in services.items():
        check(service["image"] == "optimystic:local", f"{name} runs another image")
        check(("build" in service) == (name == "init"), f"{name}: only init builds the image")
        is_server = name not in ("init", "load-test")
        check(is_server == ("healthcheck" in service), f"{name}: health checks are for servers")
        check(service.get("read_only") or name == "init", f"{name} may write beside its volumes")
    roles = [service["command"][0] for service in services.values()]
    counts = {role: roles.count(role) for role in set(roles)}
    check(counts == {"compose-init.sh": 1, "storage-peer": 3, "coordinator": 2, "client-proxy": 2,
                     "load-tester": 1}, f"the services are {counts}")
    say(f"the files are right: {len(services)} services, as Compose reads them")


# The root.


def mirror():
    """Where this machine's apt gets Debian from."""
    for path in sorted(glob.glob("/etc/apt/sources.list.d/*.sources")):
        for part in open(path).read().split("\n\n"):
            fields = dict(re.findall(r"^([A-Za-z-]+): *(.*)$", part, re.M))
            if SUITE in fields.get("Suites", "").split():
                return fields["URIs"].split()[0]
    for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*.list"))]:
        for line in open(path) if os.path.exists(path) else []:
            found = re.match(rf"deb (?:\[.*\] )?(\S+) {SUITE} ", line)
            if found:
                return found[1]
    fail(f"apt of this machine knows no mirror of Debian {SUITE}")


def made(path, make):
    """`path`, made by `make` in another place first if it is not there yet: whole or not at all."""
    if not path.exists():
        part = path.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        make(part)
        part.rename(path)
    return path


def base_root(cache):
    def make(part):
        say(f"making a plain Debian {SUITE}")
        run("debootstrap", "--variant=minbase", SUITE, str(part), mirror())
    return made(cache / "base", make)


def use_apt_settings(root):
    """Proxies, and what this machine's apt thinks of dates."""
    names = r"Acquire::(https?::Proxy|Check-Valid-Until|Check-Date)\b.*"
    lines = [line for line in run("apt-config", "dump").splitlines() if re.match(names, line)]
    (root / "etc/apt/apt.conf.d/99-check").write_text("".join(line + "\n" for line in lines))


def image_root(cache, base, stage):
    """The root after the RUN lines of the stage."""
    runs = [rest for word, rest in stage[1] if word == "RUN"]
    digest = hashlib.sha256("\n".join(runs).encode()).hexdigest()[:16]

    def make(part):
        run("cp", "--archive", str(base), str(part))
        shutil.copy("/etc/resolv.conf", part / "etc/resolv.conf")
        use_apt_settings(part)
        path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
        proxies = {name: value for name, value in os.environ.items()
                   if name.lower() in ("http_proxy", "https_proxy", "no_proxy")}
        for line in runs:
            say(f"RUN {line}")
            run("chroot", str(part), "/bin/sh", "-c", line, env={**path, **proxies})
    for old in cache.glob("image-*"):
        if old.name != f"image-{digest}":
            shutil.rmtree(old)
    return made(cache / f"image-{digest}", make)


def copy_files(stage, root, executables):
    """The COPY lines; what the builder leaves in /out comes from this machine's build."""
    for rest in (rest for word, rest in stage[1] if word == "COPY"):
        *options, source, target = rest.split()
        place = root / target.lstrip("/")
        if options == ["--from=builder"]:
            check(source == "/out/" and target.endswith("/"), f"COPY {rest} is not understood")
            shutil.rmtree(place, ignore_errors=True)
            run(str(ROOT / "deploy/collect.sh"), str(executables), str(place))
        else:
            check(not options and not target.endswith("/"), f"COPY {rest} is not understood")
            shutil.copy(ROOT / source, place)


# Processes in the root.


def mount(source, target, flags, kind=None):
    encode = lambda text: None if text is None else str(text).encode()
    if libc.mount(encode(source), encode(target), encode(kind), flags, None) != 0:
        raise OSError(ctypes.get_errno(), f"mount {source} on {target}")


def enter_network():
    """A network of our own with nothing but loopback: no port of this machine is taken."""
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh", b"lo", 1 | 64)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(control, 0x8914, request)  # SIOCSIFFLAGS


class Container:
    """A service of the compose file, as a process in the root."""

    def __init__(self, name, service, stage, root, volumes, logs):
        self.name, self.service, self.root, self.volumes = name, service, root, volumes
        self.log = logs / f"{name}.log"
        settings = dict(rest.split("=", 1) for word, rest in stage[1] if word == "ENV")
        self.environment = {**settings, **(service.get("environment") or {})}
        user = service.get("user") or next(rest for word, rest in stage[1] if word == "USER")
        self.user = "root" if user == "0:0" else user
        self.process = None

    def command(self, words, output):
        """Starts `words` as the service would: its user, volumes, variables, read-only root."""
        uid, gid = next(
            (int(fields[2]), int(fields[3]))
            for fields in (line.split(":") for line in open(self.root / "etc/passwd"))
            if fields[0] == self.user)

        def enter():
            os.setsid()
            if libc.unshare(CLONE_NEWNS) != 0:
                raise OSError(ctypes.get_errno(), "unshare")
            mount(None, "/", MS_REC | MS_PRIVATE)
            mount(self.root, self.root, MS_BIND)
            for volume in self.service.get("volumes") or []:
                source, target, *options = volume.split(":")
                place = self.root / target.lstrip("/")
                mount(self.volumes / source, place, MS_BIND)
                if options == ["ro"]:
                    mount(None, place, MS_REMOUNT | MS_BIND | MS_RDONLY)
            for place in ("dev", "proc"):
                mount(f"/{place}", self.root / place, MS_BIND | MS_REC)
            if self.service.get("read_only"):
                mount(None, self.root, MS_REMOUNT | MS_BIND | MS_RDONLY)
            os.chroot(self.root)
            os.chdir("/")
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nothing outlives this check

        path = self.environment["PATH"].split(":")
        place = next(
            (f"{folder}/{words[0]}" for folder in path
             if (self.root / folder.lstrip("/") / words[0]).exists()), None)
        check(place, f"{self.name}: no {words[0]} on the image's PATH")
        return subprocess.Popen(
            [place, *words[1:]], env=self.environment, preexec_fn=enter,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)

    def make_volumes(self):
        """Volumes, and the folders they are mounted on, which an engine makes."""
        for volume in self.service.get("volumes") or []:
            source, target = volume.split(":")[:2]
            (self.volumes / source).mkdir(exist_ok=True)
            (self.root / target.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def start(self):
        with open(self.log, "wb") as output:
            self.process = self.command(self.service["command"], output)

    def is_healthy(self):
        test = self.service["healthcheck"]["test"]
        check(test[0] == "CMD", f"{self.name}: a health check in a shell of its own")
        return self.command(test[1:], subprocess.DEVNULL).wait(10) == 0

    def await_health(self):
        end = time.monotonic() + START_SECONDS
        while not self.is_healthy():
            check(self.process.poll() is None, f"{self.name} ended:\n{self.log.read_text()}")
            check(time.monotonic() < end, f"{self.name} is not healthy:\n{self.log.read_text()}")
            time.sleep(0.2)

    def finish(self, timeout):
        ending = self.process.wait(timeout)
        check(ending == 0, f"{self.name} ended with {ending}:\n{self.log.read_text()}")
        return self.log.read_text()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.finish(15)

    def kill(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextlib.contextmanager
def coming_and_going(folder):
    """Meanwhile a file is made in `folder` and removed, over and over."""
    is_over = threading.Event()

    def work():
        while not is_over.is_set():
            (folder / "coming-and-going").touch()
            (folder / "coming-and-going").unlink()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        is_over.set()
        worker.join()


def in_order(services):
    """The services, each after those it depends on."""
    ordered = []
    while len(ordered) < len(services):
        ready = [name for name, service in services.items() if name not in ordered
                 and set(service.get("depends_on") or {}) <= set(ordered)]
        check(ready, "services depend on one another in a circle")
        ordered += ready
    return ordered


def play(services, stage, root, place):
    (place / "volumes").mkdir()
    hosts = "".join(f"127.0.0.1 {name}\n" for name in services)
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n" + hosts)
    containers = {
        name: Container(name, service, stage, root, place / "volumes", place)
        for name, service in services.items()}
    for container in containers.values():
        container.make_volumes()
    servers = [container for container in containers.values()
               if "healthcheck" in container.service]
    try:
        help_text = containers["peer-1"].command(["storage-peer", "--help"], subprocess.PIPE)
        check(b"--data-directory" in help_text.communicate()[0], "storage-peer prints no help")
        for name in in_order(services):
            container = containers[name]
            container.start()
            if container in servers:
                container.await_health()
            else:
                output = container.finish(120)
        check('"passed":true' in output, f"the load test did not pass: {output}")
        say("the load test of the compose file passed")
        # A second time it must leave everything as it is, whatever the peers are doing. A store's
        # files come and go; here one does so all the time.
        before = (place / "volumes/cluster/cluster.json").read_bytes()
        with coming_and_going(place / "volumes/peer-2/store"):
            for _ in range(5):
                containers["init"].start()
                containers["init"].finish(30)
        check(before == (place / "volumes/cluster/cluster.json").read_bytes(), "another cluster")
        peer = containers["peer-2"]
        peer.stop()
        peer.start()
        peer.await_health()
        for container in reversed(servers):
            container.stop()
        say(f"{len(servers)} services were healthy, and stopped in order with 0")
    finally:
        for container in containers.values():
            container.kill()


def can_play():
    if os.geteuid() != 0:
        return "this is not root"
    for tool in ("debootstrap", "chroot"):
        if not shutil.which(tool):
            return f"{tool} is missing"
    if subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True).returncode:
        return "this machine gives no namespaces"
    return None


def main(executables, cache):
    started = time.monotonic()
    services, stages = compose_file(), dockerfile()
    check_files(services, stages)
    problem = can_play()
    if problem:
        say(f"SKIPPED what would run in containers: {problem}")
        return
    cache.mkdir(parents=True, exist_ok=True)
    stage = stages["runtime"]
    image = image_root(cache, base_root(cache), stage)
    place = cache / f"run-{os.getpid()}"
    place.mkdir()
    try:
        root = place / "root"
        run("cp", "--archive", str(image), str(root))
        copy_files(stage, root, executables)
        enter_network()
        play(services, stage, root, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    say(f"all of it held, in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        fail("usage: run_containers.py EXECUTABLES CACHE")
    main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve())
