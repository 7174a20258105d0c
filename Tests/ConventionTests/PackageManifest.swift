import Foundation

/// What `Package.swift` says: each target and what it depends on.
///
/// The manifest is read as text, for it is written in one form: `library("A", ["B", product])`. A
/// target that is written otherwise is missing here, and then its folder has no target, which
/// ``MapRule`` says.
struct PackageManifest {
    /// Targets that stand below tests alone: what several of them need.
    static let testSupport: Set = ["BlockTransportLoopback", "ModelSamples"]

    enum Kind {
        case library
        case executable
        case tests
        /// C: a library of the system or of our own.
        case foreign
    }

    struct Target {
        let kind: Kind
        /// Targets of this package and products of others, as they are imported.
        let dependencies: Set<String>
    }

    let targets: [String: Target]

    static let repository = PackageManifest(
        text: Repository.files.first { $0.path == "Package.swift" }?.text ?? "")

    init(text: String) {
        let text = text.replacing(#//{2}.*/#, with: "")
        var products: [Substring: String] = [:]
        for match in text.matches(of: Self.productPattern) {
            products[match.variable] = String(match.name)
        }
        func names(_ list: Substring) -> Set<String> {
            Set(
                list.split(whereSeparator: { ", \n".contains($0) }).map { word in
                    products[word] ?? word.filter { $0 != "\"" }
                })
        }
        var targets: [String: Target] = [:]
        for match in text.matches(of: Self.targetPattern) {
            let kind: Kind =
                switch match.kind {
                case "library": .library
                case "executable": .executable
                default: .tests
                }
            targets["\(match.name)"] = Target(kind: kind, dependencies: names(match.needs))
        }
        for match in text.matches(of: Self.plainPattern) {
            let needs = match.needs.map(names) ?? []
            targets["\(match.name)"] = Target(
                kind: needs.isEmpty ? .foreign : .library, dependencies: needs)
        }
        self.targets = targets
    }

    var executables: Set<String> {
        Set(targets.filter { $0.value.kind == .executable }.keys)
    }

    /// One more than the highest level of what it depends on, so that each import goes down.
    func level(of name: String) -> Int {
        let below = targets[name]?.dependencies.filter { targets[$0] != nil } ?? []
        return below.map { level(of: $0) + 1 }.max() ?? 0
    }

    /// All that a target depends on, also through others.
    func everything(below name: String) -> Set<String> {
        let needs = targets[name]?.dependencies ?? []
        return needs.reduce(needs) { $0.union(everything(below: $1)) }
    }

    /// What a target depends on, without what others of these depend on.
    func foundation(of name: String) -> Set<String> {
        let needs = targets[name]?.dependencies ?? []
        return needs.subtracting(needs.flatMap(everything(below:)))
    }

    nonisolated(unsafe) private static let targetPattern =  // SAFETY: constants, no state.
        #/\b(?<kind>library|executable|tests)\(\s*"(?<name>[^"]+)",\s*\[(?<needs>[^\]]*)\]/#
    nonisolated(unsafe) private static let plainPattern =  // SAFETY: as above.
        #/
        \.(?:systemLibrary|target)\(\s*name:\ "(?<name>[^"]+)"
        (?:,\s*dependencies:\ \[(?<needs>[^\]]*)\])?
        /#
    nonisolated(unsafe) private static let productPattern =  // SAFETY: as above.
        #/let (?<variable>\w+): Target\.Dependency = \.product\(\s*name: "(?<name>[^"]+)"/#
}
