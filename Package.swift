// swift-tools-version: 6.2
// One package: the database, its three services, the SDK and the tools. See README.md for the map.
import PackageDescription

/// Hooks that only simulations may use (planted bugs, coverage marks, buggify points) are compiled
/// in under this trait and absent from everything that ships.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .define("SIMULATION_HOOKS", .when(traits: ["SimulationHooks"])),
]

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func executable(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

let arguments: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")

let package = Package(
    name: "optimystic",
    products: [
        // For applications that connect: no RocksDB and none of the services in it.
        .library(name: "Optimystic", targets: ["Optimystic"]),
        // The same, and a database within the process.
        .library(name: "OptimysticEmbedded", targets: ["OptimysticEmbedded"]),
        .executable(name: "optimystic", targets: ["OptimysticCommand"]),
        .executable(name: "simulator", targets: ["simulator"]),
        // Loaded in front of the C library by chaos, in processes that are to lose their power.
        .library(name: "PowerCut", type: .dynamic, targets: ["CPowerCut"]),
    ],
    traits: [
        .trait(
            name: "SimulationHooks", description: "Planted bugs and coverage marks, for tests only")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // C: system libraries behind a module map and a header each, and the generated wire code.
        .systemLibrary(name: "CEditLine", providers: [.apt(["libedit-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CRocksDB", providers: [.apt(["librocksdb-dev"])]),
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .target(name: "CProtocol", linkerSettings: [.linkedLibrary("protobuf-c")]),
        .target(name: "CPowerCut"),

        // From below to above; `make map` prints the levels that follow.
        // Time, chance, identifiers, errors, limits. No domain word.
        library("BlockRuntime", [crypto, heap]),
        // What everything talks about.
        library("BlockModel", ["BlockRuntime"]),
        // Bytes between addresses, and the tools of the event loops.
        library("BlockTransport", ["BlockRuntime", "CLinux"]),
        // Trees, chains and overlays over a snapshot.
        library("BlockStructures", ["BlockModel", "BlockRuntime"]),
        // What a storage peer keeps.
        library("BlockStorage", ["BlockModel", "BlockRuntime"]),
        // The protocol as pure machines.
        library("BlockConsensus", ["BlockModel", "BlockRuntime"]),
        // Collections over their logs.
        library("BlockTransactions", ["BlockModel", "BlockRuntime", "BlockStructures"]),
        // The core library in one import.
        library(
            "OptimysticCore",
            ["BlockModel", "BlockRuntime", "BlockStructures", "BlockTransactions"]),
        // The model as protobuf.
        library("BlockWire", ["BlockModel", "BlockRuntime", "CProtocol"]),
        // Leaf adapters: only executables and `Optimystic` import them.
        library(
            "BlockStorageRocksDB", ["BlockModel", "BlockRuntime", "BlockStorage", "CRocksDB"]),
        library("BlockTransportZeroMQ", ["BlockRuntime", "BlockTransport", "CLinux", "CZeroMQ"]),
        // The three roles.
        library(
            "BlockNode",
            [
                "BlockConsensus", "BlockModel", "BlockRuntime", "BlockStorage", "BlockStructures",
                "BlockTransactions", "BlockTransport", "BlockWire", logging,
            ]),
        // The SDK.
        library(
            "OptimysticClient",
            ["BlockModel", "BlockRuntime", "BlockTransport", "BlockWire"]),
        // What an application imports.
        library(
            "Optimystic",
            [
                "BlockModel", "BlockRuntime", "BlockStructures", "BlockTransactions",
                "BlockTransportZeroMQ", "OptimysticClient",
            ]),
        // A whole database within a process, for applications that want no services.
        library(
            "OptimysticEmbedded",
            [
                "BlockModel", "BlockNode", "BlockRuntime", "BlockStorageRocksDB",
                "BlockTransport", "Optimystic", "OptimysticClient",
            ]),
        // Logs, settings, signals, exit codes of an executable.
        library("BlockOperations", ["BlockModel", "BlockRuntime", "CLinux", logging]),
        // One workload code for simulation, chaos and load.
        library("BlockWorkloads", ["BlockModel", "BlockRuntime", "BlockTransactions"]),
        // The seeded world.
        library(
            "BlockSimulation",
            [
                "BlockConsensus", "BlockModel", "BlockNode", "BlockRuntime", "BlockStorage",
                "BlockStructures", "BlockTransactions", "BlockTransport", "BlockWire",
                "BlockWorkloads", "OptimysticClient", heap, logging,
            ]),

        // Real executables on loopback, for demonstrations and tests.
        library("BlockDeployment", ["BlockRuntime"]),

        // What goes wrong around real executables, and what is left to be checked.
        library(
            "BlockChaos",
            [
                "BlockDeployment", "BlockModel", "BlockRuntime", "BlockWire", "BlockWorkloads",
                "OptimysticClient",
            ]),

        // Figures, their statistics and their tables.
        library("BlockMeasurement", [histogram]),

        executable(
            "bench",
            [
                "BlockConsensus", "BlockDeployment", "BlockMeasurement", "BlockModel",
                "BlockOperations", "BlockRuntime", "BlockStorage", "BlockStorageRocksDB",
                "BlockStructures", "BlockWire", "Optimystic", "OptimysticEmbedded", arguments,
            ]),
        executable(
            "load-tester",
            [
                "BlockDeployment", "BlockMeasurement", "BlockOperations", "BlockRuntime",
                "BlockWorkloads", "Optimystic", arguments,
            ]),
        executable(
            "chaos",
            [
                "BlockChaos", "BlockDeployment", "BlockModel", "BlockOperations", "BlockRuntime",
                "BlockTransportZeroMQ", "BlockWorkloads", "Optimystic", "OptimysticClient",
                arguments,
            ]),
        executable(
            "demo",
            ["BlockDeployment", "BlockModel", "BlockOperations", "BlockRuntime", "Optimystic"]),
        executable(
            "storage-peer",
            [
                "BlockModel", "BlockNode", "BlockOperations", "BlockRuntime", "BlockStorage",
                "BlockStorageRocksDB", "BlockTransport", "BlockTransportZeroMQ", logging,
            ]),
        executable(
            "coordinator",
            [
                "BlockModel", "BlockNode", "BlockOperations", "BlockRuntime", "BlockTransport",
                "BlockTransportZeroMQ", logging,
            ]),
        executable(
            "client-proxy",
            [
                "BlockModel", "BlockNode", "BlockOperations", "BlockRuntime", "BlockTransport",
                "BlockTransportZeroMQ", logging,
            ]),
        executable(
            "simulator", ["BlockModel", "BlockOperations", "BlockRuntime", "BlockSimulation"]),
        // The command line. A module must not differ from `Optimystic` in case alone.
        executable(
            "OptimysticCommand",
            [
                "BlockModel", "BlockNode", "BlockOperations", "BlockRuntime",
                "BlockStorageRocksDB", "CEditLine", "Optimystic", "OptimysticEmbedded", arguments,
            ]),

        // Generated values and the golden vectors of Protos/vectors, for several targets' tests.
        .target(
            name: "ModelSamples", dependencies: ["BlockModel", "BlockRuntime"],
            path: "Tests/ModelSamples", swiftSettings: settings),
        // A transport within one process, for several targets' tests.
        .target(
            name: "BlockTransportLoopback",
            dependencies: ["BlockRuntime", "BlockTransport", "CLinux"],
            path: "Tests/BlockTransportLoopback", swiftSettings: settings),
        tests("BlockRuntimeTests", ["BlockRuntime"]),
        tests("BlockModelTests", ["BlockModel", "BlockRuntime", "ModelSamples"]),
        tests("BlockStructuresTests", ["BlockModel", "BlockRuntime", "BlockStructures"]),
        tests("BlockMeasurementTests", ["BlockMeasurement"]),
        tests("BlockOperationsTests", ["BlockModel", "BlockOperations", "BlockRuntime", logging]),
        // The rules of the house, over the files of this repository.
        tests("ConventionTests", []),
        tests("BlockTransportTests", ["BlockRuntime", "BlockTransport"]),
        tests(
            "BlockStorageTests",
            [
                "BlockModel", "BlockRuntime", "BlockStorage", "BlockStorageRocksDB",
            ]),
        tests("BlockConsensusTests", ["BlockConsensus", "BlockModel", "BlockRuntime"]),
        tests(
            "BlockTransactionsTests",
            ["BlockModel", "BlockRuntime", "BlockStructures", "BlockTransactions"]),
        tests(
            "BlockWireTests",
            ["BlockModel", "BlockRuntime", "BlockWire", "CProtocol", "ModelSamples"]),
        tests(
            "OptimysticClientTests",
            [
                "BlockModel", "BlockNode", "BlockRuntime", "BlockStorage", "BlockStructures",
                "BlockTransport", "BlockTransportLoopback", "BlockTransportZeroMQ",
                "ModelSamples", "Optimystic", "OptimysticClient", "OptimysticCommand",
                "OptimysticEmbedded", arguments, logging,
            ]),
        // The same suites over every engine and every transport.
        tests(
            "ConformanceTests",
            [
                "BlockModel", "BlockRuntime", "BlockStorage", "BlockStorageRocksDB",
                "BlockTransport", "BlockTransportLoopback", "BlockTransportZeroMQ", "CZeroMQ",
            ]),
        tests(
            "BlockNodeTests",
            [
                "BlockConsensus", "BlockModel", "BlockNode", "BlockRuntime", "BlockStorage",
                "BlockTransactions", "BlockTransport", "BlockTransportLoopback", "BlockWire",
                logging,
            ]),
        tests(
            "BlockWorkloadsTests",
            ["BlockModel", "BlockRuntime", "BlockTransactions", "BlockWorkloads"]),
        tests(
            "BlockChaosTests",
            ["BlockChaos", "BlockDeployment", "BlockModel", "BlockRuntime", "BlockWorkloads"]),
        tests(
            "BlockSimulationTests",
            ["BlockModel", "BlockRuntime", "BlockSimulation", "BlockWorkloads"],
            exclude: ["Corpus"]),
        // The real executables; skipped without OPTIMYSTIC_BIN.
        tests(
            "IntegrationTests",
            [
                "BlockChaos", "BlockDeployment", "BlockModel", "BlockRuntime", "BlockTransport",
                "BlockTransportZeroMQ", "BlockWire", "Optimystic", "OptimysticClient",
                "OptimysticEmbedded",
            ]),
    ]
)
