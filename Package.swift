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

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

let arguments: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
    name: "optimystic",
    products: [
        .library(name: "Optimystic", targets: ["Optimystic"]),
        .executable(name: "optimystic", targets: ["OptimysticCommand"]),
    ],
    traits: [
        .trait(name: "SimulationHooks", description: "Planted bugs and coverage marks, for tests only"),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // Level 0: time, chance, identifiers, errors, limits. No domain word.
        library("BlockRuntime", [crypto, heap]),
        // Level 1: what everything talks about.
        library("BlockModel", ["BlockRuntime"]),
        // Level 2: the protocol as pure machines.
        library("BlockConsensus", ["BlockModel", "BlockRuntime"]),
        // Level 3: collections over their logs.
        library("BlockTransactions", ["BlockModel", "BlockRuntime"]),
        // Level 5: the three roles.
        library(
            "BlockNode",
            [
                "BlockConsensus", "BlockModel", "BlockRuntime", "BlockStorage",
                "BlockTransactions", "BlockTransport", "BlockWire", logging,
            ]),
        // Level 1: bytes between addresses, and the tools of the event loops.
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CZeroMQ"),
        library("BlockTransport", ["BlockRuntime", "CLinux"]),
        library("BlockTransportZeroMQ", ["BlockTransport", "BlockRuntime", "CZeroMQ", "CLinux"]),
        tests("BlockTransportTests", ["BlockTransport", "BlockRuntime"]),
        // The same suites over every engine and every transport.
        tests("ConformanceTests", [
            "BlockRuntime",
            "BlockStorage",
            "BlockStorageRocksDB",
            "BlockTransport",
            "BlockTransportZeroMQ",
            "CZeroMQ",
        ]),
        // Level 2: what a storage peer keeps.
        library("BlockStorage", ["BlockModel", "BlockRuntime"]),
        // Leaf adapter: RocksDB and the data directory.
        .systemLibrary(name: "CRocksDB", providers: [.apt(["librocksdb-dev"])]),
        library(
            "BlockStorageRocksDB", ["BlockModel", "BlockRuntime", "BlockStorage", "CRocksDB"]),
        tests(
            "BlockStorageTests",
            ["BlockModel", "BlockRuntime", "BlockStorage", "BlockStorageRocksDB"]),
        // The core library in one import.
        library("OptimysticCore", ["BlockModel", "BlockRuntime", "BlockTransactions"]),
        // Level 5: the SDK; level 6: what an application imports.
        library(
            "OptimysticClient",
            ["BlockModel", "BlockRuntime", "BlockTransactions", "BlockTransport", "BlockWire"]),
        tests(
            "OptimysticClientTests",
            [
                "BlockConsensus", "BlockModel", "BlockNode", "BlockOperations", "BlockRuntime",
                "BlockStorage", "BlockTransactions", "BlockTransport", "BlockWire", "Optimystic",
                "OptimysticClient", "OptimysticCommand", arguments, logging,
            ]),
        library(
            "Optimystic",
            [
                "BlockModel", "BlockRuntime", "BlockTransactions", "BlockTransport",
                "BlockTransportZeroMQ", "OptimysticClient", "OptimysticCore",
            ]),
        // The command line. A module must not differ from `Optimystic` in case alone.
        .executableTarget(
            name: "OptimysticCommand",
            dependencies: ["BlockModel", "BlockOperations", "BlockRuntime", "Optimystic", arguments],
            swiftSettings: settings),
        // Generated values and the golden vectors of Protos/vectors, for the tests of several targets.
        .target(
            name: "ModelSamples", dependencies: ["BlockModel", "BlockRuntime"],
            path: "Tests/ModelSamples", swiftSettings: settings),
        tests("BlockModelTests", ["BlockModel", "BlockRuntime", "ModelSamples"]),

        // Level 4: the model as protobuf. CProtocol is generated from Protos/, never edited.
        .target(name: "CProtocol", linkerSettings: [.linkedLibrary("protobuf-c")]),
        library("BlockWire", ["BlockModel", "BlockRuntime", "CProtocol"]),
        tests(
            "BlockWireTests",
            ["BlockWire", "BlockModel", "BlockRuntime", "CProtocol", "ModelSamples"]),
        // Level 6: what a service owes its operator.
        library("BlockOperations", ["BlockRuntime", logging]),
        tests("BlockOperationsTests", ["BlockOperations", "BlockRuntime", logging]),
        // The rules of the house, over the files of this repository.
        tests("ConventionTests", []),
    ]
)
