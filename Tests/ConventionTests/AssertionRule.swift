import Testing

/// Machines and stores say what they assume and what they guarantee: so many calls of `invariant`
/// for each function, by the beginning of the paths. `make assertions` prints what there is.
enum AssertionRule {
    static let shares: [(path: String, min: Double)] = [
        ("Sources/BlockConsensus/", 0.5), ("Sources/BlockNode/", 0.5),
        ("Sources/BlockNode/BackgroundWork/", 0.5), ("Sources/BlockNode/Embedded/", 0.5),
        ("Sources/BlockNode/Hosts/", 0.5), ("Sources/BlockNode/Proxy/", 0.5),
        ("Sources/BlockStorage/StorageRepository", 0.5), ("Sources/BlockTransactions/", 0.5),
        ("Sources/BlockTransactions/Writer/", 0.5),
    ]

    struct Count {
        var functions = 0
        var assertions = 0
        var share: Double { functions == 0 ? 0 : Double(assertions) / Double(functions) }
    }

    static func count(_ files: [TextFile]) -> Count {
        files.flatMap(\.code.lines).reduce(into: Count()) { count, line in
            if line.prefixMatch(of: functionPattern) != nil { count.functions += 1 }
            if line.contains("func invariant(") { return }
            count.assertions += line.matches(of: assertionPattern).count
        }
    }

    static func violations(in files: [TextFile]) -> [Violation] {
        shares.compactMap { path, min in
            let count = count(files.filter { $0.isSwift && $0.path.hasPrefix(path) })
            guard count.share < min else { return nil }
            return Violation(
                path: path, line: 0,
                message: "\(count.assertions) assertions in \(count.functions) functions, of "
                    + "\(min) for each: say what is assumed and guaranteed")
        }
    }

    // SAFETY: constants, no state.
    nonisolated(unsafe) private static let functionPattern =
        #/\s*(?:@\w+\s+)*(?:[a-z]+(?:\(set\))?\s+)*(?:func\s+\S|init[?(<]|subscript[(<])/#
    nonisolated(unsafe) private static let assertionPattern =
        #/\b(?:invariant|precondition|preconditionFailure)\(/#
}

@Suite struct AssertionTests {
    @Test("Machines and stores have as many assertions a function as they promise")
    func repository() {
        expectNone(AssertionRule.violations(in: Repository.files))
    }

    @Test("Functions and assertions are counted, comments and texts are not") func counted() {
        let text = """
            package func one() { invariant(true, "precondition(that holds)") }
            // func two() { invariant(false, "") }
            private mutating func three<Value>(_ value: Value) {}
            init?(of value: Int) { precondition(value > 0) }
            subscript(key: Int) -> Int { let function = key; return function }
            """
        let count = AssertionRule.count([ConventionTests.planted(text)])
        #expect(count.functions == 4 && count.assertions == 2 && count.share == 0.5)
        #expect(!AssertionRule.violations(in: []).isEmpty)
    }
}
