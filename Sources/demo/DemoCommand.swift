import BlockDeployment
import BlockOperations
import BlockRuntime
import Foundation
import Optimystic
import Synchronization

/// A diary that survives: real services on loopback, two of them killed while eight writers write.
@main
struct DemoCommand {
    private static let diaryName = "languages"
    /// Shares of the entries that are confirmed when something happens, in percent.
    private static let peerKilledAt = 30
    private static let coordinatorKilledAt = 60
    private static let restartedAt = 80

    let cluster: LocalCluster
    let languages: [Language]
    let start: Instant

    static func main() async {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments == ["--help"] {
            say("usage: demo")
            say("Shows a diary that survives kills. Needs the other executables beside it.")
            exit(ExitCode.success.rawValue)
        }
        guard arguments.isEmpty else {
            say("demo: unknown arguments; see demo --help")
            exit(ExitCode.usage.rawValue)
        }
        do {
            let stop = try StopSignal.install()
            let languages = try Language.all()
            let cluster = try LocalCluster(executables: try ownFolder())
            stop.onRequest {
                cluster.tearDown()
                say("Interrupted. Every process is ended and the directory is removed.")
                _exit(ExitCode.tryAgain.rawValue)
            }
            let demo = DemoCommand(
                cluster: cluster, languages: languages, start: cluster.environment.now())
            let isPassed: Bool
            do {
                isPassed = try await demo.run()
            } catch {
                cluster.tearDown()
                throw error
            }
            cluster.tearDown()
            guard isPassed else { exit(ExitCode.badInput.rawValue) }
        } catch {
            say(ErrorReport.sentence(program: "demo", error))
            exit(ExitCode(for: error).rawValue)
        }
    }

    private static func ownFolder() throws -> String {
        let path = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return (path as NSString).deletingLastPathComponent
    }

    private static func say(_ text: String) { LineWriter.standardOutput.writeLine(text) }

    private func say(_ text: String) { DemoCommand.say(text) }

    /// The same with the time since the beginning.
    private func tell(_ text: String) {
        let seconds = cluster.environment.now().since(start).seconds
        say(String(format: "%6.1f s  ", seconds) + text)
    }

    // MARK: The story

    /// - Returns: Whether all of it held.
    private func run() async throws -> Bool {
        say("A diary that survives: \(languages.count) entries, one for each ISO 639-3 language.\n")
        try cluster.startAll()
        tell("3 storage peers, 2 coordinators and 1 client proxy run on loopback.")
        let report = try await write()
        tell("The writers are done.")
        for member in cluster.members { try cluster.waitUntilReady(member) }
        tell("All six services run again.")

        let isRead = try readBack()
        let isSound = try verify()
        let isStopped = stop()
        tellNumbers(report)
        let isPassed = isRead && isSound && isStopped && report.confirmed == languages.count
        say(isPassed ? "\nAll of it held." : "\nNOT all of it held; see above.")
        return isPassed
    }

    private func write() async throws -> Writers.Report {
        let database = try await Database.connect(cluster.url)
        defer { database.close() }
        let diary = try await database.diary(DemoCommand.diaryName, of: LanguageEntry.self)
        let peer = LocalCluster.Member(.storagePeer, 2)
        let victim = Victim()
        let events = [
            event(at: DemoCommand.peerKilledAt) {
                cluster.kill(peer)
                tell("\(DemoCommand.peerKilledAt) % are confirmed: SIGKILL to \(peer).")
            },
            event(at: DemoCommand.coordinatorKilledAt) {
                let coordinator = busiestCoordinator()
                victim.member.withLock { $0 = coordinator }
                cluster.kill(coordinator)
                let percent = DemoCommand.coordinatorKilledAt
                tell("\(percent) % are confirmed: SIGKILL to \(coordinator), the busier one.")
            },
            event(at: DemoCommand.restartedAt) {
                try cluster.start(peer)
                if let coordinator = victim.member.withLock({ $0 }) {
                    try cluster.start(coordinator)
                }
                tell("\(DemoCommand.restartedAt) % are confirmed: both are started again.")
            },
        ]
        tell("\(Writers.count) writers begin.")
        let writers = Writers(
            diary: diary, database: database, languages: languages, events: events,
            environment: cluster.environment)
        let began = cluster.environment.now()
        let report = try await writers.run()
        let seconds = cluster.environment.now().since(began).seconds
        tell(
            String(
                format: "%d entries are confirmed, %.0f a second.", report.confirmed,
                Double(report.confirmed) / seconds))
        return report
    }

    /// The coordinator that the diary's changes go through: killing the other one would show
    /// nothing.
    private func busiestCoordinator() -> LocalCluster.Member {
        let coordinators = cluster.members.filter { $0.role == .coordinator }
        let busiest = coordinators.max { left, right in
            let times = [left, right].map { cluster.process(of: $0)?.processorTicks ?? 0 }
            return times[0] < times[1]
        }
        return busiest ?? LocalCluster.Member(.coordinator, 1)
    }

    private func event(
        at percent: Int, _ action: @escaping @Sendable () throws -> Void
    ) -> Writers.Event {
        Writers.Event(confirmedCount: max(1, languages.count * percent / 100), action: action)
    }

    /// Reads the diary back in another process.
    private func readBack() throws -> Bool {
        let result = try cluster.run(
            "optimystic",
            [
                "--connect", cluster.url, "--timeout", "30s", "--output", "json", "diary", "read",
                DemoCommand.diaryName,
            ])
        guard result.ending == .exited(0) else {
            tell("Another process could not read the diary: \(result.errors)")
            return false
        }
        let check = try DiaryCheck(output: result.output, expected: languages)
        tell("Another process read \(check.entryCount) entries.")
        tellProblem("missing", check.missing)
        tellProblem("there more than once", check.doubled)
        tellProblem("not written by anybody", check.foreign)
        tellProblem("not in the order of their writer", check.unordered.map { "writer \($0)" })
        if check.isPassed {
            tell("Each language is there exactly once, and each writer's own order is kept.")
        }
        return check.isPassed
    }

    private func tellProblem(_ what: String, _ items: [String]) {
        guard !items.isEmpty else { return }
        tell("WRONG: \(items.count) \(what): \(items.prefix(10).joined(separator: ", "))")
    }

    private func verify() throws -> Bool {
        let result = try cluster.run(
            "optimystic",
            ["--connect", cluster.url, "--timeout", "30s", "verify", DemoCommand.diaryName])
        let isSound = result.ending == .exited(0)
        tell(
            isSound
                ? "The hash chain holds over the whole history, and no two replicas disagree:"
                : "WRONG: verification failed:")
        for line in (result.output + result.errors).split(separator: "\n") {
            say("          \(line)")
        }
        return isSound
    }

    private func stop() -> Bool {
        let endings = cluster.stopAll()
        let bad = cluster.members.filter { endings[$0] != .exited(0) }
        for member in bad {
            tell("WRONG: \(member) ended with \(endings[member].map { "\($0)" } ?? "nothing")")
        }
        if bad.isEmpty { tell("All services stopped in order; no process is left.") }
        return bad.isEmpty
    }

    private func tellNumbers(_ report: Writers.Report) {
        say(
            String(
                format: """

                    The longest that one writer waited for a confirmation: %.2f s.
                    The longest that nobody was confirmed: %.2f s.
                    Appends that a writer had to send again under the same id: %d.
                    """,
                report.longestStall.seconds, report.longestSilence.seconds, report.retries))
        for (code, count) in report.errors.sorted(by: { $0.key < $1.key }) {
            say("  because of \(code): \(count)")
        }
    }
}

/// The coordinator that was killed.
private final class Victim: Sendable {
    let member = Mutex<LocalCluster.Member?>(nil)
}

extension Duration {
    fileprivate var seconds: Double { Double(nanoseconds) / 1_000_000_000 }
}
