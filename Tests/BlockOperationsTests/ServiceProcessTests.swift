import BlockOperations
import BlockRuntime
import Foundation
import Testing

/// Each runs in a process of its own, which the testing library starts.
@Suite struct ServiceProcessTests {
    static let role = Role("sample", summary: "does nothing.", settings: [])

    @Test("SIGTERM is a request: the loop sees it, drains, and the process exits with 0")
    func terminate() async {
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardErrorContent]
        ) {
            ServiceProcess.run(ServiceProcessTests.role, arguments: [], variables: [:]) { context in
                if context.stop.isRequested { throw DatabaseError(.internalError, "too early") }
                kill(getpid(), SIGTERM)
                context.stop.wait()
                if !context.stop.isRequested { throw DatabaseError(.internalError, "not seen") }
            }
        }
        let log = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) }
        #expect(log?.contains(#""label":"sample","msg":"stopped"}"#) == true, "\(log ?? "nil")")
    }

    @Test("SIGINT runs the given action on a thread of its own, once")
    func interrupt() async {
        await #expect(processExitsWith: .exitCode(7)) {
            let stop = try StopSignal.install()
            let woken = DispatchSemaphore(value: 0)
            stop.onRequest { woken.signal() }
            kill(getpid(), SIGINT)
            if woken.wait(timeout: .now() + 10) == .timedOut { exit(1) }
            if woken.wait(timeout: .now() + 0.05) == .success { exit(2) }
            // One who comes late is told at once.
            stop.onRequest { exit(7) }
            exit(3)
        }
    }

    @Test("The file descriptor becomes readable and stays so")
    func descriptor() async {
        await #expect(processExitsWith: .exitCode(7)) {
            let stop = try StopSignal.install()
            var watched = pollfd(fd: stop.fileDescriptor, events: Int16(POLLIN), revents: 0)
            if poll(&watched, 1, 0) != 0 { exit(1) }
            kill(getpid(), SIGTERM)
            for _ in 0..<3 where poll(&watched, 1, 10_000) != 1 || watched.revents != POLLIN {
                exit(2)
            }
            exit(7)
        }
    }

    @Test("The second signal ends the process at once with 75, however stuck it is")
    func secondSignal() async {
        await #expect(processExitsWith: .exitCode(75)) {
            ServiceProcess.run(ServiceProcessTests.role, arguments: [], variables: [:]) { context in
                kill(getpid(), SIGTERM)
                context.stop.wait()
                kill(getpid(), SIGINT)
                while true { sleep(1) }
            }
        }
    }

    @Test("SIGHUP is a request like SIGTERM, but cuts no drain short")
    func hangUp() async {
        await #expect(processExitsWith: .success) {
            ServiceProcess.run(ServiceProcessTests.role, arguments: [], variables: [:]) { context in
                kill(getpid(), SIGHUP)
                context.stop.wait()
                // The shell and the system may both say that the terminal is gone.
                kill(getpid(), SIGHUP)
                kill(getpid(), SIGHUP)
                if !context.stop.isRequested { throw DatabaseError(.internalError, "not seen") }
            }
        }
    }

    @Test("A process that was started with SIGHUP ignored goes on")
    func hangUpIgnored() async {
        await #expect(processExitsWith: .exitCode(7)) {
            signal(SIGHUP, SIG_IGN)
            let stop = try StopSignal.install()
            kill(getpid(), SIGHUP)
            usleep(50_000)
            exit(stop.isRequested ? 1 : 7)
        }
    }

    @Test("Descriptors 0 to 2 that are closed at the start are given to nobody else")
    func closedDescriptors() async {
        await #expect(processExitsWith: .exitCode(7)) {
            for descriptor in [STDIN_FILENO, STDERR_FILENO] { close(descriptor) }
            StandardDescriptors.reserve()
            let file = open("/dev/null", O_RDWR)
            if file <= STDERR_FILENO { exit(1) }
            var byte: UInt8 = 0
            // As they would have failed before.
            if write(STDERR_FILENO, &byte, 1) >= 0 || read(STDIN_FILENO, &byte, 1) >= 0 { exit(2) }
            exit(7)
        }
    }

    @Test("A limit of descriptors is raised as far as it may be, and else told with what is needed")
    func descriptorLimit() async {
        await #expect(processExitsWith: .exitCode(7)) {
            var limit = rlimit(rlim_cur: 30, rlim_max: 60)
            if setrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit) != 0 { exit(1) }
            try DescriptorLimit.require(50, for: "this")
            getrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit)
            if limit.rlim_cur != 50 { exit(2) }
            do {
                try DescriptorLimit.require(1000, for: "4 things")
            } catch let error as DatabaseError {
                let isRight =
                    error.code == .configurationInvalid
                    && error.message.contains("60") && error.message.contains("needs 1000, for 4")
                exit(isRight ? 7 : 3)
            }
        }
    }

    @Test("A write to a reader who has gone is an error, not the end of the process")
    func brokenPipe() async {
        await #expect(processExitsWith: .exitCode(7)) {
            _ = try StopSignal.install()
            var ends: [Int32] = [-1, -1]
            if pipe(&ends) != 0 { exit(1) }
            close(ends[0])
            if LineWriter(fileDescriptor: ends[1]).writeLine("nobody reads this") { exit(2) }
            exit(7)
        }
    }

    @Test("An error of the service is its last log line and its exit code")
    func failing() async {
        let result = await #expect(
            processExitsWith: .exitCode(74), observing: [\.standardErrorContent]
        ) {
            ServiceProcess.run(ServiceProcessTests.role, arguments: [], variables: [:]) { _ in
                throw DatabaseError(.ioFailed, "fsync failed")
            }
        }
        let log = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        let last = log.split(separator: "\n").last ?? ""
        #expect(last.contains(#""level":"critical""#) && last.contains("fsync failed"), "\(log)")
    }

    @Test("A wrong flag is one plain sentence and exit code 64, a wrong variable 78")
    func wrongSettings() async {
        let result = await #expect(
            processExitsWith: .exitCode(64), observing: [\.standardErrorContent]
        ) {
            ServiceProcess.run(
                ServiceProcessTests.role, arguments: [Bytes("--colour".utf8), Bytes("red".utf8)],
                variables: [:]
            ) { _ in }
        }
        let said = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        #expect(said.contains("sample: unknown flag --colour; see sample --help"), "\(said)")
        await #expect(processExitsWith: .exitCode(78)) {
            ServiceProcess.run(
                ServiceProcessTests.role, arguments: [],
                variables: ["OPTIMYSTIC_SAMPLE_LOG_LEVEL": Bytes("loud".utf8)]
            ) { _ in }
        }
    }

    @Test("An unknown variable is a warning in the log, and the service runs")
    func warning() async {
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardErrorContent]
        ) {
            ServiceProcess.run(
                ServiceProcessTests.role, arguments: [],
                variables: ["OPTIMYSTIC_SAMPLE_X": Bytes("1".utf8)]
            ) { _ in }
        }
        let log = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        #expect(log.contains("unknown environment variable OPTIMYSTIC_SAMPLE_X is ignored"))
    }

    @Test("--help, --version and --print-configuration print to standard output and exit with 0")
    func answers() async {
        for flag in ["--help", "--version", "--print-configuration"] {
            let result = await #expect(
                processExitsWith: .success, observing: [\.standardOutputContent]
            ) { [flag = flag as String] in
                ServiceProcess.run(
                    ServiceProcessTests.role, arguments: [Bytes(flag.utf8)], variables: [:]
                ) { _ in exit(1) }
            }
            let text =
                result.map { String(decoding: $0.standardOutputContent, as: UTF8.self) } ?? ""
            #expect(text.contains("sample") || text.contains("log-level"), "\(flag): \(text)")
        }
    }
}
