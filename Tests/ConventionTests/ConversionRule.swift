import Testing

/// A number of the operating system may be any number: `UInt64(-1)` ends the process. Where files
/// talk to the system, whole numbers are converted with `clamping:` or `exactly:`, or the place was
/// looked at and is listed here.
enum ConversionRule {
    /// Whoever imports one of these hears what the system says.
    private static let voices = ["Glibc", "Foundation", "CZeroMQ", "CRocksDB"]

    /// Places that were looked at, by file: what is converted there always fits.
    private static let reviewed: [String: [String]] = [
        "Sources/BlockModel/Actions/KeyOrder.swift": ["order"],
        // A count of the digits of a key, and texts, which are no number or fit.
        "Sources/BlockModel/Keys/ExactNumber.swift": ["digits", "count", "String"],
        "Sources/BlockRuntime/NetworkAddress.swift": ["String"],
        "Sources/BlockTransportZeroMQ/ZeroMQTransport.swift": [
            "envelope.byteCount", "nanoseconds / 1_000_000", "$0.count", "count", "byteCount",
        ],
        "Sources/BlockTransportZeroMQ/ZeroMQMonitor.swift": ["bytes.loadUnaligned"],
        "Sources/BlockStorageRocksDB/RocksDBEngine.swift": ["last"],
        "Sources/BlockStorageRocksDB/RocksDBSettings.swift": [
            "rocksdb_tolerate_corrupted_tail_records_recovery"
        ],
        "Sources/BlockStorageRocksDB/PosixFile.swift": ["offset + written"],
        "Sources/BlockNode/Configuration/ClusterFile.swift": ["epoch"],
        "Sources/BlockOperations/Configuration/ConfigurationFile.swift": ["digits"],
        // Its arithmetic reports every overflow.
        "Sources/BlockRuntime/EnvironmentLive.swift": ["time.tv_sec", "time.tv_nsec"],
        "Sources/BlockOperations/Process/ProcessArguments.swift": ["CommandLine.argc"],
        "Sources/BlockRuntime/SimulationHooks.swift": ["byte"],
    ]

    /// Tools for people and tests: what they convert, they have drawn themselves.
    private static let exempt: Set<String> = [
        "BlockChaos", "BlockDeployment", "BlockMeasurement", "BlockSimulation", "BlockWorkloads",
        "OptimysticCommand", "bench", "chaos", "demo", "load-tester", "simulator",
    ]

    static func violations(in files: [TextFile]) -> [Violation] {
        files.filter { file in
            file.isSwift && !file.isTest && !file.isGenerated
                && !(file.target.map { exempt.contains($0) } ?? false)
                && voices.contains { file.text.contains("import \($0)\n") }
        }.flatMap { file in
            file.code.lines.enumerated().flatMap { index, line in
                arguments(in: line).filter { !fits($0, in: file.path) }.map {
                    Violation(
                        path: file.path, line: index + 1,
                        message: "`(\($0)…`: use `clamping:` or `exactly:`, or list the place in "
                            + "ConversionRule.swift")
                }
            }
        }
    }

    /// What bare conversions to whole numbers begin with.
    private static func arguments(in line: String) -> [String] {
        let conversion = #/(?:^|[^.\w])(?:U?Int(?:8|16|32|64)?|time_t|off_t|rlim_t)\(([^(),]*)/#
        return line.matches(of: conversion).map { String($0.output.1) }
    }

    private static func fits(_ argument: String, in path: String) -> Bool {
        // A label says how; a constant of the source or of a header is known when it is compiled.
        let labels = [
            "clamping:", "exactly:", "bitPattern:", "truncatingIfNeeded:", "ascii:", "bigEndian:",
        ]
        if labels.contains(where: { argument.hasPrefix($0) }) { return true }
        let constant =
            #/(?:[0-9 *+]*Limits\.\w+|(?:[A-Z][A-Z0-9_]*(?:\.rawValue)?[ |]*)+|[0-9][0-9_x]*)/#
        if argument.wholeMatch(of: constant) != nil { return true }
        return reviewed[path]?.contains { argument.hasPrefix($0) } ?? false
    }
}

@Suite struct ConversionTests {
    @Test("No number of the system is converted so that it could end the process")
    func repository() {
        expectNone(ConversionRule.violations(in: Repository.files))
    }

    @Test("A bare conversion is found; one with a label, or of a constant, is not")
    func planted() {
        func count(_ line: String) -> Int {
            let file = TextFile(
                path: "Sources/BlockRuntime/Planted.swift", text: "import Glibc\n\(line)\n")
            return ConversionRule.violations(in: [file]).count
        }
        #expect(count("let a = UInt64(time.tv_sec)") == 1)
        #expect(count("let a = Int32(size) + Int(other)") == 2)
        #expect(count("let a = UInt64(clamping: time.tv_sec)") == 0)
        #expect(count("let a = Int32(2 * Limits.linkCountMax)") == 0)
        #expect(count("let a = Int16(POLLIN)") == 0)
        #expect(count("let a = NSInt(x)") == 0)
    }
}
