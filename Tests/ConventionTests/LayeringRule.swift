import Testing

/// Arrows point down only: a target imports what `Package.swift` lets it import, and the package
/// itself keeps pure targets and adapters apart.
enum LayeringRule {
    /// Part of the toolchain and free of clocks, threads and files of their own.
    private static let everywhere: Set<String> = ["Glibc", "Synchronization", "Swift"]

    /// Libraries that may import Foundation. Machines, model and wire do with Glibc: all small,
    /// the same everywhere, and nothing in them reads a clock or a file behind the caller's back.
    static let foundationUsers: Set<String> = [
        "BlockChaos", "BlockDeployment", "BlockMeasurement", "BlockNode", "BlockOperations",
        "Optimystic",
    ]

    /// Libraries that put adapters behind what an application uses.
    static let assemblies: Set<String> = ["Optimystic", "OptimysticEmbedded"]

    /// Real engines and sockets: for executables, ``assemblies`` and tests.
    static let adapters: Set<String> = ["BlockStorageRocksDB", "BlockTransportZeroMQ"]

    /// Suites over more than one target, or with real neighbours beside their subject.
    static let broadTests: Set<String> = [
        "ConformanceTests", "IntegrationTests", "BlockSimulationTests", "OptimysticClientTests",
    ]

    static func violations(
        in files: [TextFile], of package: PackageManifest = .repository
    ) -> [Violation] {
        files.filter(\.isSwift).flatMap { file -> [Violation] in
            guard let target = file.target else { return [] }
            return imports(of: file).compactMap { line, module in
                objection(to: module, in: target, isTest: file.isTest, of: package)
                    .map { Violation(path: file.path, line: line, message: $0) }
            }
        }
    }

    private static func objection(
        to module: String, in name: String, isTest: Bool, of package: PackageManifest
    ) -> String? {
        if everywhere.contains(module) { return nil }
        guard let target = package.targets[name] else {
            return "Package.swift has no target \(name); add it at the level it belongs to"
        }
        if target.dependencies.contains(module) { return nil }
        if package.targets[module] == nil {
            if isTest || target.kind == .executable { return nil }
            if module == "Foundation", foundationUsers.contains(name) { return nil }
        }
        return module == "Foundation"
            ? "\(name) may not import Foundation; use Glibc"
            : "\(name) may not import \(module): Package.swift does not say that it needs it"
    }

    /// What the package itself may not say.
    static func violations(in package: PackageManifest) -> [Violation] {
        package.targets.sorted { $0.key < $1.key }.flatMap { name, target in
            target.dependencies.sorted().compactMap { need in
                objection(to: need, below: name, target, of: package)
                    .map { Violation(path: "Package.swift", line: 0, message: $0) }
            }
        }
    }

    private static func objection(
        to need: String, below name: String, _ target: PackageManifest.Target,
        of package: PackageManifest
    ) -> String? {
        if package.targets[need]?.kind == .executable, target.kind != .tests {
            return "\(name) needs the executable \(need); move what they share below it"
        }
        switch target.kind {
        case .executable, .foreign:
            return nil
        case .library:
            return adapters.contains(need) && !assemblies.contains(name)
                ? "\(name) needs the adapter \(need), which only executables may" : nil
        case .tests:
            let subject = name.hasSuffix("Tests") ? String(name.dropLast(5)) : name
            let seen = package.everything(below: subject)
                .union([subject]).union(PackageManifest.testSupport)
            return seen.contains(need) || adapters.contains(need) || broadTests.contains(name)
                ? nil : "tests of \(subject) see only what it sees; \(need) is another's"
        }
    }

    /// What a target depends on and imports nowhere: then the map says more than is so.
    static func unused(in files: [TextFile], of package: PackageManifest) -> [Violation] {
        var imported: [String: Set<String>] = [:]
        for file in files where file.isSwift {
            guard let target = file.target else { continue }
            imported[target, default: []].formUnion(imports(of: file).map(\.module))
        }
        return package.targets.sorted { $0.key < $1.key }.flatMap { name, target in
            target.dependencies.subtracting(imported[name] ?? []).sorted().map {
                Violation(
                    path: "Package.swift", line: 0,
                    message: "\(name) needs \($0), and imports it nowhere"
                )
            }
        }
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
    @Test("Every target imports only what Package.swift says that it needs, and all of that")
    func repository() {
        expectNone(LayeringRule.violations(in: Repository.files))
        expectNone(LayeringRule.violations(in: .repository))
        expectNone(LayeringRule.unused(in: Repository.files, of: .repository))
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

    @Test(
        "A package whose targets need what they may not is found",
        arguments: [
            "library(\"A\", [\"run\"])", "library(\"A\", [\"BlockStorageRocksDB\"])",
            "tests(\"ATests\", [\"run\"]),\nlibrary(\"A\", [])",
        ])
    func plantedPackage(line: String) {
        let package = PackageManifest(text: "executable(\"run\", []),\n\(line)")
        #expect(LayeringRule.violations(in: package).count == 1)
    }

    @Test("What a target needs and imports nowhere is found")
    func unused() {
        let package = PackageManifest(text: "library(\"A\", [\"B\", \"C\"])")
        let file = ConventionTests.planted("import B", at: "Sources/A/P.swift")
        #expect(LayeringRule.unused(in: [file], of: package).map(\.message).count == 1)
    }
}
