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

let package = Package(
    name: "optimystic",
    products: [],
    traits: [
        .trait(name: "SimulationHooks", description: "Planted bugs and coverage marks, for tests only"),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: [
        // Level 0: time, chance, identifiers, errors, limits. No domain word.
        library("BlockRuntime", [crypto]),
        // Level 1: what everything talks about.
        library("BlockModel", ["BlockRuntime"]),
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
    ]
)
