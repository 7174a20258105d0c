import Testing

/// Arrows point down only: which target may import what.
enum LayeringRule {
    /// Part of the toolchain and free of clocks, threads and files of their own.
    private static let everywhere: Set<String> = ["Glibc", "Synchronization", "Swift"]

    private static let collections: Set<String> = [
        "HeapModule", "DequeModule", "OrderedCollections",
    ]
    private static let model: Set<String> = ["BlockModel", "BlockRuntime"]
    private static let transactions = model.union(["BlockStructures", "BlockTransactions"])
    private static let machines = transactions.union(["BlockConsensus", "BlockStorage"])
    private static let node = machines.union([
        "BlockTransport", "BlockWire", "Logging", "Foundation",
    ])
    private static let client = transactions.union([
        "BlockTransport", "BlockWire", "Logging", "Foundation",
    ])
    private static let adapters: Set<String> = [
        "BlockStorageRocksDB", "BlockTransportZeroMQ", "CZeroMQ", "CRocksDB",
    ]
    private static let application = client.union([
        "OptimysticClient", "Optimystic", "OptimysticCore", "BlockOperations", "ArgumentParser",
    ])

    /// What each target may import beside ``everywhere``. A target that is not here is not part of
    /// the house: add it at the level it belongs to.
    static let table: [String: Set<String>] = [
        "BlockRuntime": collections.union(["Crypto"]),
        "BlockModel": ["BlockRuntime"],
        "BlockStructures": model.union(collections),
        "BlockStorage": model.union(collections),
        "BlockConsensus": model.union(collections),
        "BlockTransactions": model.union(collections).union(["BlockStructures"]),
        "OptimysticCore": transactions,
        "BlockTransport": collections.union(["BlockRuntime", "CLinux"]),
        "BlockWire": machines.union(["BlockTransport", "CProtocol", "Foundation"]),
        "BlockStorageRocksDB": model.union(["BlockStorage", "CRocksDB", "CLinux", "Foundation"]),
        "BlockTransportZeroMQ": [
            "BlockRuntime", "BlockTransport", "CZeroMQ", "CLinux", "Foundation",
        ],
        "BlockNode": node.union(collections),
        "OptimysticClient": client.union(collections),
        "Optimystic": client.union(adapters).union(node)
            .union(["OptimysticClient", "OptimysticCore", "BlockNode"]),
        "BlockOperations": ["BlockRuntime", "CLinux", "Logging", "Foundation"],
        "BlockDeployment": ["BlockRuntime", "Foundation"],
        "BlockMeasurement": ["Foundation", "Histogram"],
        "BlockWorkloads": client.union(["OptimysticClient", "OptimysticCore"]),
        "BlockSimulation": node.union(collections)
            .union(["BlockNode", "OptimysticClient", "BlockWorkloads", "OptimysticCore"]),
        "BlockChaos": client.union(["BlockDeployment", "BlockWorkloads", "OptimysticClient"]),
    ]

    /// The outermost level: may import everything. Nobody may import them.
    static let executables: Set<String> = [
        "coordinator", "storage-peer", "client-proxy", "optimystic", "OptimysticCommand",
        "load-tester", "simulator", "demo", "bench", "chaos",
    ]

    /// What tests share with one another, and what it may import.
    static let testSupport: [String: Set<String>] = ["ModelSamples": model]

    /// What a suite sees beyond its subject, because it puts real neighbours beside it.
    static let neighbours: [String: Set<String>] = [
        "OptimysticClientTests": machines.union(["BlockNode", "Optimystic", "OptimysticCommand"])
    ]

    /// Tests of more than one target, which therefore see all of them.
    static let broadTests: Set<String> = [
        "ConformanceTests", "IntegrationTests", "BlockSimulationTests", "FuzzTests",
        "OptimysticClientTests",
    ]

    /// Real engines and sockets: for executables, `Optimystic`, and tests.
    static let adapterTargets: Set<String> = ["BlockStorageRocksDB", "BlockTransportZeroMQ"]

    static func violations(in files: [TextFile]) -> [Violation] {
        files.filter(\.isSwift).flatMap { file -> [Violation] in
            guard let target = file.target else { return [] }
            return imports(of: file).compactMap { line, module in
                objection(to: module, in: target, isTest: file.isTest)
                    .map { Violation(path: file.path, line: line, message: $0) }
            }
        }
    }

    private static func objection(to module: String, in target: String, isTest: Bool) -> String? {
        if executables.contains(module), !(module == "OptimysticCommand" && isTest) {
            return "nobody imports the executable \(module); move what is shared below it"
        }
        if everywhere.contains(module) || executables.contains(target) { return nil }
        guard isTest else {
            guard let allowed = table[target] else {
                return "target \(target) is not in the table of LayeringRule.swift; add it there"
            }
            if allowed.contains(module) { return nil }
            return module == "Foundation"
                ? "\(target) is below Wire and may not import Foundation; use Glibc"
                : "\(target) may not import \(module): arrows point down only (see the table)"
        }
        if broadTests.contains(target) || ["Testing", "Foundation"].contains(module) { return nil }
        let subject = target.hasSuffix("Tests") ? String(target.dropLast(5)) : target
        let seen = (table[subject] ?? testSupport[target] ?? []).union([subject])
            .union(testSupport.keys).union(adapterTargets).union(neighbours[target] ?? [])
        return seen.contains(module)
            ? nil : "tests of \(subject) see only what it sees; \(module) belongs to another suite"
    }

    /// Modules by line: `import M`, `@attribute import M`, `package import struct M.T`.
    private static func imports(of file: TextFile) -> [(line: Int, module: String)] {
        file.code.lines.enumerated().compactMap { index, line in
            guard let match = line.firstMatch(of: importPattern) else { return nil }
            return (index + 1, String(match.module))
        }
    }

    nonisolated(unsafe) private static let importPattern =  // SAFETY: a constant without state.
        #/
        ^\s*(?:@\w+(?:\(\w+\))?\s+|(?:public|package|internal|private|fileprivate)\s+)*import\s+
        (?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(?<module>\w+)
        /#
}

@Suite struct LayeringTests {
    @Test("Every target imports only what lies below it")
    func repository() {
        expectNone(LayeringRule.violations(in: Repository.files))
        #expect(Repository.swiftFiles.count > 20)
    }

    @Test(
        "An arrow that points up or sideways is found",
        arguments: [
            ("import Foundation", "Sources/BlockModel/P.swift"),
            ("import struct Foundation.Date", "Sources/BlockConsensus/P.swift"),
            ("@preconcurrency import Dispatch", "Sources/BlockTransactions/P.swift"),
            ("package import BlockModel", "Sources/BlockRuntime/P.swift"),
            ("@_exported import BlockNode", "Sources/BlockConsensus/P.swift"),
            ("import BlockStorageRocksDB", "Sources/BlockNode/P.swift"),
            ("import BlockTransportZeroMQ", "Sources/OptimysticClient/P.swift"),
            ("import CZeroMQ", "Sources/BlockTransport/P.swift"),
            ("import BlockOperations", "Sources/BlockNode/P.swift"),
            ("import ArgumentParser", "Sources/BlockOperations/P.swift"),
            ("import BlockModel", "Sources/NewTarget/P.swift"),
            ("@testable import coordinator", "Tests/BlockNodeTests/P.swift"),
            ("import BlockNode", "Tests/BlockModelTests/P.swift"),
            ("let a = 1\nimport Foundation", "Sources/BlockRuntime/P.swift"),
        ])
    func planted(text: String, path: String) {
        #expect(LayeringRule.violations(in: [ConventionTests.planted(text, at: path)]).count == 1)
    }

    @Test(
        "An arrow that points down, or prose about one, is not",
        arguments: [
            ("import Glibc", "Sources/BlockModel/P.swift"),
            ("// import Foundation", "Sources/BlockModel/P.swift"),
            ("let text = \"\"\"\nimport Foundation\n\"\"\"", "Sources/BlockModel/P.swift"),
            ("import BlockStorageRocksDB", "Sources/storage-peer/P.swift"),
            ("import BlockTransportZeroMQ", "Tests/ConformanceTests/P.swift"),
            ("import BlockStorageRocksDB", "Tests/BlockStorageTests/P.swift"),
            ("import Foundation", "Tests/BlockModelTests/P.swift"),
        ])
    func allowed(text: String, path: String) {
        #expect(LayeringRule.violations(in: [ConventionTests.planted(text, at: path)]).isEmpty)
    }
}
