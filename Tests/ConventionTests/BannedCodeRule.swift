import Testing

/// Words that no code may say, each with what to say instead.
enum BannedCodeRule {
    struct Ban {
        /// What every match contains: a file without it needs no closer look.
        let word: String
        let pattern: Regex<Substring>
        let replacement: String
        /// Tests may say it too, since they start processes, wait for them and make names of files.
        let allowedInTests: Bool
        /// Adapters and executables may: there real time, threads and output begin.
        let allowedAtEdge: Bool
        /// Paths that may, each with its reason.
        let exceptions: [String: String]

        init(
            _ word: String, _ pattern: Regex<Substring>, use replacement: String,
            inTests: Bool = false,
            atEdge: Bool = false, except exceptions: [String: String] = [:]
        ) {
            self.word = word
            // The default boundaries are those of prose, where `a.b` is one word.
            self.pattern = pattern.wordBoundaryKind(.simple)
            self.replacement = replacement
            allowedInTests = inTests
            allowedAtEdge = atEdge
            self.exceptions = exceptions
        }
    }

    static let edge = PackageManifest.repository.executables.union(LayeringRule.adapters)

    static var bans: [Ban] { taskBans + clockBans + chanceBans + threadBans + habitBans }

    private static var taskBans: [Ban] {
        let childTask = "a child task (`async let`, a task group) or Task(executorPreference:)"
        return [
            Ban("Task", #/\bTask\s*\{/#, use: childTask, inTests: true, atEdge: true),
            Ban(
                "Task.detached", #/\bTask\.detached\b/#, use: childTask, inTests: true, atEdge: true
            ),
            Ban(
                "Task.sleep", #/\bTask\.sleep\b/#,
                use: "the deadline of an event loop or the injected clock",
                inTests: true, atEdge: true),
        ]
    }

    private static var clockBans: [Ban] {
        let clock = "environment.now or environment.wallMilliseconds"
        let live = ["Sources/BlockRuntime/EnvironmentLive.swift": "the one door to the clocks"]
        return [
            Ban(
                "ContinuousClock", #/\bContinuousClock\b/#, use: clock, inTests: true,
                atEdge: true),
            Ban(
                "SuspendingClock", #/\bSuspendingClock\b/#, use: clock, inTests: true,
                atEdge: true),
            Ban("Date", #/\bDate\s*\(/#, use: clock, inTests: true, atEdge: true),
            Ban("DispatchTime", #/\bDispatchTime\b/#, use: clock, inTests: true, atEdge: true),
            Ban(
                "clock_gettime", #/\bclock_gettime\s*\(/#, use: clock, inTests: true, atEdge: true,
                except: live),
        ]
    }

    /// Not even in tests: a test that draws from nowhere cannot be replayed.
    private static var chanceBans: [Ban] {
        let seeded = [
            "Sources/BlockSimulation/PeerNode.swift": "a world is its seed",
            "Sources/BlockWorkloads/Anomalies/AnomalyClient.swift": "a workload is its seed",
            "Sources/BlockWorkloads/Bank/BankClient.swift": "a workload is its seed",
            "Sources/BlockWorkloads/CollectionOpening.swift": "a workload is its seed",
            "Sources/BlockWorkloads/Custom/CustomClient.swift": "a workload is its seed",
            "Sources/BlockWorkloads/DiaryClient.swift": "a workload is its seed",
            "Sources/BlockWorkloads/Spread/SpreadClient.swift": "a workload is its seed",
            "Sources/BlockWorkloads/Structures/StructureClient.swift": "a workload is its seed",
            "Sources/BlockWorkloads/Transactions/TransactionClient.swift": "a workload is its seed",
            "Sources/bench/PendBenchmark.swift": "nothing is kept of a benchmark",
        ]
        let chance = "a SeededGenerator, or environment.entropy and environment.identifier"
        let live = ["Sources/BlockRuntime/EnvironmentLive.swift": "the one door to entropy"]
        return [
            Ban("UUID", #/\bUUID\s*\(\s*\)/#, use: chance, inTests: true, atEdge: true),
            // `.random(in: range, using: &generator)` is what to use, so only one-line calls
            // without a generator are meant.
            Ban(".random", #/\.random\s*\((?!.*using:).*/#, use: chance),
            Ban(".shuffled", #/\.shuffled\s*\(\s*\)/#, use: chance),
            Ban(".shuffle", #/\.shuffle\s*\(\s*\)/#, use: chance),
            Ban(".randomElement", #/\.randomElement\s*\(\s*\)/#, use: chance),
            Ban(
                "generator.identifier", #/\bgenerator\.identifier\b/#,
                use: "environment.identifier: 64 bits of state are not enough for ever",
                inTests: true, except: seeded),
            Ban(
                "SystemRandomNumberGenerator", #/\bSystemRandomNumberGenerator\b/#, use: chance,
                except: live),
        ]
    }

    private static var threadBans: [Ban] {
        let shared = "Synchronization.Mutex, or state that one event loop owns"
        return [
            Ban("DispatchQueue", #/\bDispatchQueue\b/#, use: shared, inTests: true, atEdge: true),
            Ban("Thread", #/\bThread\s*[.({]/#, use: shared, inTests: true, atEdge: true),
            Ban(
                "pthread_create", #/\bpthread_create\s*\(/#, use: shared, inTests: true,
                atEdge: true,
                except: [
                    "Sources/BlockRuntime/BackgroundThread.swift":
                        "the one door to threads, for event loops and calls that block"
                ]),
            Ban("NSLock", #/\bNSLock\b/#, use: shared),
        ]
    }

    private static var habitBans: [Ban] {
        [
            Ban("try!", #/\btry!/#, use: "`try` in a throwing function, or `invariant`"),
            Ban("as!", #/\bas!/#, use: "`as?` with a guard"),
            Ban(
                "print", #/(?:^|[^.\w])print\s*\(/#, use: "the logger, or LineWriter", atEdge: true,
                except: [
                    "Tests/ConformanceTests/TransportBenchmark.swift": "figures for a person's eyes"
                ]),
            Ban("debugPrint", #/(?:^|[^.\w])debugPrint\s*\(/#, use: "the logger"),
            Ban("dump", #/(?:^|[^.\w])dump\s*\(/#, use: "the logger"),
            Ban(
                "fatalError", #/\bfatalError\s*\(/#,
                use: "invariant(_:_:), or throw a DatabaseError",
                except: ["Sources/BlockRuntime/Invariant.swift": "where `invariant` stops"]),
            Ban("preconditionFailure", #/\bpreconditionFailure\s*\(/#, use: "invariant(_:_:)"),
            Ban(
                "CommandLine.arguments", #/\bCommandLine\.arguments\b/#,
                use: "ProcessArguments, which keeps what is no UTF-8", inTests: true,
                except: ["Sources/simulator/Simulator.swift": "it takes numbers and its own words"]
            ),
            Ban(
                "processInfo.environment", #/\bprocessInfo\.environment\b/#,
                use: "ProcessArguments.variable, which keeps what is no UTF-8", inTests: true,
                except: [
                    "Sources/BlockDeployment/LocalCluster.swift":
                        "what demonstrations and tests hand on to services of their own"
                ]),
            Ban(
                "readLine", #/\breadLine\s*\(/#,
                use: "LineReader, which keeps bytes and holds no line above a limit"),
            Ban("@test" + "able", #/@test[a]ble\b/#, use: "`package` access"),
        ]
    }

    /// Where the compiler needs a call that never returns, `invariant(false, …)` cannot stand; the
    /// same words then make it one broken invariant among the others.
    private static let namedInvariant = "fatalError(\"invariant: "

    static func violations(in files: [TextFile]) -> [Violation] {
        let bans = bans
        return files.filter(\.isSwift).flatMap { file in
            let isEdge = file.target.map { edge.contains($0) } ?? false
            let applicable = bans.filter { ban in
                !(ban.allowedInTests && file.isTest) && !(ban.allowedAtEdge && isEdge)
                    && ban.exceptions[file.path] == nil && file.mentions(ban.word)
            }
            let raw = file.lines
            return file.code.lines.enumerated().flatMap { index, line in
                applicable.compactMap { ban -> Violation? in
                    guard let match = line.firstMatch(of: ban.pattern) else { return nil }
                    let word = match.output.drop { $0.isWhitespace }
                    if word == "fatalError(", raw[index].contains(namedInvariant) { return nil }
                    return Violation(
                        path: file.path, line: index + 1,
                        message: "`\(word)` is banned here; use \(ban.replacement)")
                }
            }
        }
    }
}

@Suite struct BannedCodeTests {
    @Test("No banned word is in the code")
    func repository() {
        expectNone(BannedCodeRule.violations(in: Repository.files))
    }

    @Test("Every exception names a file that exists and still needs it")
    func exceptions() {
        for ban in BannedCodeRule.bans {
            for path in ban.exceptions.keys.sorted() {
                let file = Repository.files.first { $0.path == path }
                #expect(file?.mentions(ban.word) == true, "\(path) needs no \(ban.word)")
            }
        }
    }

    @Test(
        "Each banned word is found in a library",
        arguments: [
            "Task { await a() }", "Task.detached {", "try await Task.sleep(for: .seconds(1))",
            "let c = ContinuousClock()", "SuspendingClock()", "let d = Date()",
            "DispatchTime.now()", "clock_gettime(CLOCK_MONOTONIC, &t)", "let u = UUID()",
            "Int.random(in: 0..<3)", "Bool.random()", "a.shuffled()", "a.shuffle()",
            "a.randomElement()", "var g = SystemRandomNumberGenerator()", "DispatchQueue.main",
            "Thread.sleep(1)", "Thread { }", "pthread_create(&t, nil, f, nil)", "NSLock()",
            "let a = try! b()", "let a = b as! C", "print(1)", "dump(a)", "debugPrint(1)",
            "let id = generator.identifier()", "effects.generator.identifier()",
            "CommandLine.arguments[0]", "ProcessInfo.processInfo.environment[\"A\"]",
            "while let line = readLine() {", "fatalError(\"x\")", "preconditionFailure()",
            "@testable import A",
            "let t = \"\\(Int.random(in: 0..<3))\"",
        ])
    func planted(code: String) {
        #expect(!BannedCodeRule.violations(in: [ConventionTests.planted(code)]).isEmpty)
    }

    @Test(
        "What only looks like one is not",
        arguments: [
            "// Task { is banned", "/* try! /* as! */ print( */", "let t = \"Task { UUID() }\"",
            "struct ProxyTask {", "extension ProxyTask {", "group.addTask {",
            "Int.random(in: 0..<3, using: &generator)", "a.shuffled(using: &generator)",
            "UUID(uuidString: text)", "self.print(1)", "MyThread.start()",
            "let x = #\"\"print(\"\"#",
            "Task(executorPreference: e) {", "threads.count", "try? b()", "let update(1)",
            "guard let a else { fatalError(\"invariant: a healthy engine has one\") }",
        ])
    func lookalikes(code: String) {
        #expect(BannedCodeRule.violations(in: [ConventionTests.planted(code)]).isEmpty)
    }

    @Test("Executables may print and read clocks, but not draw without a seed or `try!`")
    func edge() {
        func count(_ code: String, _ path: String) -> Int {
            BannedCodeRule.violations(in: [ConventionTests.planted(code, at: path)]).count
        }
        #expect(count("print(1); Date()", "Sources/OptimysticCommand/P.swift") == 0)
        #expect(count("Thread { }", "Sources/BlockTransportZeroMQ/P.swift") == 0)
        #expect(count("Bool.random()", "Tests/BlockModelTests/P.swift") == 1)
        #expect(count("try! a()", "Sources/demo/P.swift") == 1)
    }
}
