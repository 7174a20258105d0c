import BlockDeployment
import BlockOperations
import BlockRuntime
import Foundation
import Optimystic

/// The whole story: real services on loopback, filled by many clients while a storage peer, a
/// coordinator and a proxy are killed; then what was promised, looked at from outside.
@main
struct DemoCommand {
    let cluster: LocalCluster
    let narrator: Narrator
    let countries: IsoFile
    let subdivisions: IsoFile
    let languages: IsoFile

    static func main() async {
        StandardDescriptors.reserve()
        LostOutput.endsProcess()
        let arguments = ProcessArguments.words
        if arguments == [Array("--help".utf8)] {
            Narrator.say("usage: demo")
            Narrator.say(
                "Shows a database that survives kills. Needs the other executables beside it.")
            exit(ExitCode.success.rawValue)
        }
        guard arguments.isEmpty else {
            Narrator.say("demo: unknown arguments; see demo --help")
            exit(ExitCode.usage.rawValue)
        }
        do {
            let stop = try StopSignal.install()
            var shape = LocalCluster.Shape()
            shape.proxies = 2
            let cluster = try LocalCluster(executables: try ownFolder(), shape: shape)
            stop.onRequest {
                cluster.tearDown()
                Narrator.say("Interrupted. Every process is ended and the directory is removed.")
                _exit(ExitCode.tryAgain.rawValue)
            }
            let isPassed: Bool
            do {
                isPassed = try await DemoCommand(cluster).run()
            } catch {
                cluster.tearDown()
                throw error
            }
            cluster.tearDown()
            guard isPassed else { exit(ExitCode.badInput.rawValue) }
        } catch {
            Narrator.say(ErrorReport.sentence(program: "demo", error))
            exit(ExitCode(for: error).rawValue)
        }
    }

    private static func ownFolder() throws -> String {
        let path = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return (path as NSString).deletingLastPathComponent
    }

    private init(_ cluster: LocalCluster) throws {
        self.cluster = cluster
        narrator = Narrator(cluster: cluster)
        countries = try .countries()
        subdivisions = try .subdivisions()
        languages = try .languages()
    }

    // MARK: The story

    /// - Returns: Whether all of it held.
    private func run() async throws -> Bool {
        narrator.say(
            "A database that survives: trees, a diary and a queue on 3 storage peers, 2 "
                + "coordinators and 2 proxies.\n")
        try cluster.startAll()
        narrator.tell("All seven services run on loopback.")
        var claims = Claims()
        let (report, jobs) = try await fill(&claims)
        for member in cluster.members { try cluster.waitUntilReady(member) }
        narrator.tell("Everything has landed, and all seven services run again.\n")

        try look(&claims)
        try check(jobs, &claims)
        try await verify(&claims)
        stop(&claims)
        narrator.say("")
        for line in claims.lines { narrator.say(line) }
        tellNumbers(report)
        narrator.say(claims.allHold ? "\nAll of it held." : "\nNOT all of it held; see above.")
        return claims.allHold
    }

    /// Imports, appends, enqueues and dequeues, all at once, while services die.
    private func fill(
        _ claims: inout Claims
    ) async throws -> (Writers.Report, jobs: [Int: Int]) {
        let database = try await Database.connect(cluster.url)
        defer { database.close() }
        let diary = try await database.diary("events", of: LanguageEntry.self)
        let writers = Writers(
            diary: diary, database: database, languages: languages.records,
            environment: cluster.environment)
        let jobs = Jobs(
            queue: try await database.queue(Jobs.name, of: Int.self), database: database,
            environment: cluster.environment)
        let transfers = try await Transfers(database, cluster.environment)
        let imports = try Imports([countries, subdivisions, languages], cluster)
        narrator.tell(
            "3 imports of \(imports.recordCount) records, \(Writers.count) writers of a diary, a "
                + "producer and 2 workers of a queue begin; 4 clients move money between trees.")
        async let report = writers.run()
        async let done = jobs.run()
        async let moved = transfers.run()
        let disturber = Disturber(cluster: cluster, narrator: narrator)
        try await disturber.disturb(imports, database)
        let problems = imports.finish()
        claims.add(
            "imports", "ended by themselves, nothing given up",
            problem: problems.isEmpty ? nil : problems.joined(separator: "; "))
        let told = try await moved
        claims.add(
            "transfers", "\(Transfers.count) between 3 trees: the sum holds, each is noted",
            problem: try await transfers.problem(with: told))
        return try await (report, done)
    }

    private func look(_ claims: inout Claims) throws {
        narrator.tell("What a person sees:")
        let before = try narrator.show("tree", "get", "countries", "PT")
        try narrator.show("tree", "range", "subdivisions", "--prefix", "PT-", "--limit", "3")
        try narrator.show(
            "tree", "range", "subdivisions", "--prefix", "PT-", "--reverse", "--limit", "3")
        let counted = try narrator.show("tree", "count", "subdivisions", "--prefix", "PT-")
        let expected = subdivisions.records.count { $0["code"]?.hasPrefix("PT-") ?? false }
        claims.add(
            "ranges", "both directions, counted as in the file",
            problem: counted == "\(expected)\n" ? nil : "\(counted ?? "nothing") of \(expected)")
        for file in [countries, subdivisions, languages] {
            let export = try narrator.run("tree", "export", file.name).output
            claims.add(
                file.name, "\(file.records.count) records, each once, as in the file",
                problem: file.problem(with: export))
        }

        narrator.tell("Two keys change in one atomic action; the past stays what it was:")
        let revision = try narrator.show(
            "tree", "put", "countries", #"PT={"name":"Lusitania"}"#, #"ES={"name":"Hispania"}"#)
        let now = try narrator.show("tree", "get", "countries", "PT", "ES")
        let number = revision.flatMap { Int($0.dropLast()) } ?? 0
        let then = try narrator.show("tree", "get", "countries", "PT", "--as-of", "\(number - 1)")
        claims.add(
            "atomic replace", "both keys at once",
            problem: now?.contains("Lusitania") == true && now?.contains("Hispania") == true
                ? nil : now ?? "nothing")
        claims.add(
            "as-of read", "what was there before the last change",
            problem: then != nil && then == before ? nil : then ?? "nothing")
    }

    private func check(_ jobs: [Int: Int], _ claims: inout Claims) throws {
        let read = try narrator.run("--output", "json", "diary", "read", "events")
        let check = try DiaryCheck(
            output: read.output, expected: languages.records.compactMap { $0["alpha_3"] })
        claims.add(
            "diary", "\(languages.records.count) entries, each once, in their writer's order",
            problem: check.problem)
        claims.add(
            "queue", "\(Jobs.count) jobs, each to one of two workers, once",
            problem: Jobs.problem(with: jobs))
    }

    private func verify(_ claims: inout Claims) async throws {
        narrator.tell("Every hash chain and every replica is checked:")
        let report = try narrator.show("verify")
        claims.add(
            "verification", "hash chains hold, no two replicas disagree",
            problem: report == nil ? "see above" : nil)
        claims.add(
            "replicas", "all hold every entry and block, after a verification or two",
            problem: try await lack())
    }

    /// What a replica lacks because it was dead is brought to it by a verification.
    /// - Returns: Which collections some replica still lacks something of; nil for none.
    private func lack() async throws -> String? {
        struct Line: Decodable {
            let name: String
            let partlyReplicated: Int
        }
        var lack = ""
        for _ in 0..<10 {
            let result = try narrator.run("--output", "json", "verify")
            let lines = try result.output.split(separator: "\n").map {
                try JSONDecoder().decode(Line.self, from: Data($0.utf8))
            }
            let partial = lines.filter { $0.partlyReplicated > 0 }
            if result.ending == .exited(0), partial.isEmpty { return nil }
            lack = partial.map { "\($0.partlyReplicated) of \($0.name)" }.joined(separator: ", ")
            try await Task.sleep(for: .milliseconds(300))
        }
        return lack
    }

    private func stop(_ claims: inout Claims) {
        let endings = cluster.stopAll()
        let bad = cluster.members.filter { endings[$0] != .exited(0) }
        narrator.tell("All services were asked to stop.")
        claims.add(
            "end", "every service stops in order, no process is left",
            problem: bad.isEmpty ? nil : bad.map(\.description).joined(separator: ", "))
    }

    private func tellNumbers(_ report: Writers.Report) {
        narrator.say(
            String(
                format: """

                      %d diary entries; the longest wait of one writer %.2f s, of all of them \
                    %.2f s
                      sent again under the same id: %d; the whole story took %.0f s
                    """,
                report.confirmed, report.longestStall.inSeconds, report.longestSilence.inSeconds,
                report.retries, narrator.elapsed.inSeconds))
        for (code, count) in report.errors.sorted(by: { $0.key < $1.key }) {
            narrator.say("    because of \(code): \(count)")
        }
    }
}
