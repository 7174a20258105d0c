import Testing

/// The page of limits lists each of them, with its value, under the target that owns it.
enum LimitsRule {
    static let path = "Sources/OptimysticCore/OptimysticCore.docc/Limits.md"

    /// A limit as a source or the page has it: `target name = value`.
    private static func sources(in files: [TextFile]) -> Set<String> {
        let owners = files.filter { file in
            file.path.hasPrefix("Sources/") && file.isSwift && file.name.hasPrefix("Limits")
        }
        return Set(
            owners.flatMap { file in
                file.lines.compactMap { line in
                    line.firstMatch(of: declaration).map { match in
                        "\(file.target ?? "") \(match.name) = \(match.value)"
                    }
                }
            })
    }

    private static func listed(on page: TextFile) -> Set<String> {
        var target: Substring = ""
        var found: Set<String> = []
        for line in page.lines {
            if line.hasPrefix("## ") { target = line.dropFirst(3) }
            guard let match = line.firstMatch(of: row) else { continue }
            found.insert("\(target) \(match.name) = \(match.value)")
        }
        return found
    }

    static func violations(in page: TextFile, files: [TextFile]) -> [Violation] {
        let known = sources(in: files)
        let told = listed(on: page)
        return known.symmetricDifference(told).sorted().map { limit in
            Violation(
                path: page.path, line: 0,
                message: known.contains(limit)
                    ? "the page lacks \(limit): `make limits`"
                    : "the page has \(limit), which is not so: `make limits`")
        }
    }

    /// What makes up worlds, faults and measurements draws its times where it does.
    private static let drawsTimes: Set = [
        "BlockChaos", "BlockSimulation", "BlockWorkloads", "bench", "chaos", "demo", "load-tester",
        "simulator",
    ]
    private static let times: Set = ["RetryTiming.swift", "ProtocolTiming.swift"]

    /// Times written in place, in what ships.
    static func placed(in files: [TextFile]) -> [Violation] {
        files.filter { file in
            file.path.hasPrefix("Sources/") && file.isSwift && !file.name.hasPrefix("Limits")
                && !times.contains(file.name) && !drawsTimes.contains(file.target ?? "")
        }.flatMap { file in
            file.code.lines.enumerated().compactMap { index, line in
                line.firstMatch(of: time).map { _ in
                    Violation(
                        path: file.path, line: index + 1,
                        message: "a time in place: name it in Limits, or in RetryTiming")
                }
            }
        }
    }

    // SAFETY: a constant, no state.
    nonisolated(unsafe) private static let time =
        #/\.(?:micro|milli)?seconds\(\d/#
    nonisolated(unsafe) private static let declaration =  // SAFETY: a constant, no state.
        #/static let (?<name>\w+)(?:: \w+)? = (?<value>.*)$/#
    nonisolated(unsafe) private static let row =  // SAFETY: a constant, no state.
        #/^\| `(?<name>\w+)` \| `(?<value>[^`]*)` \| .+ \|$/#
}

@Suite struct LimitsTests {
    @Test("The page of limits lists each one with its value, its owner and its reason")
    func repository() throws {
        let page = try #require(Repository.files.first { $0.path == LimitsRule.path })
        expectNone(LimitsRule.violations(in: page, files: Repository.files))
    }

    @Test("Every time of what ships is a limit or a delay of RetryTiming") func times() {
        expectNone(LimitsRule.placed(in: Repository.files))
    }

    @Test("A time in place is found, one that is read or counted is not") func plantedTimes() {
        func count(_ text: String, at path: String = "Sources/BlockNode/A.swift") -> Int {
            LimitsRule.placed(in: [ConventionTests.planted(text, at: path)]).count
        }
        #expect(count("wake(after: .milliseconds(20))") == 1)
        #expect(count("let time = Duration.seconds(3)") == 1)
        #expect(count("let time = Duration.milliseconds(Int64(left))") == 0)
        #expect(count("// Duration.seconds(3)") == 0)
        #expect(count("let time = Duration.seconds(3)", at: "Sources/BlockNode/Limits.swift") == 0)
        #expect(count("let time = Duration.seconds(3)", at: "Sources/bench/A.swift") == 0)
    }

    @Test("A limit that the page lacks, with another value, or under another target, is found")
    func planted() {
        let source = ConventionTests.planted(
            "/// Why.\nstatic let nameBytesMax = 2\n", at: "Sources/A/Limits.swift")
        func count(_ text: String) -> Int {
            let page = TextFile(path: LimitsRule.path, text: text)
            return LimitsRule.violations(in: page, files: [source]).count
        }
        #expect(count("## A\n\n| `nameBytesMax` | `2` | Why. |") == 0)
        #expect(count("## A\n\n| `nameBytesMax` | `3` | Why. |") == 2)
        #expect(count("## B\n\n| `nameBytesMax` | `2` | Why. |") == 2)
        #expect(count("## A\n\n| `nameBytesMax` | `2` |  |") == 1)
        #expect(count("## A") == 1)
    }
}
