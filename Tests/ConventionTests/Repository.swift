import Foundation

/// One text file of the repository.
struct TextFile {
    /// Relative to the repository: `Sources/BlockModel/Tail.swift`.
    let path: String
    let text: String
    let lines: [Substring]
    /// Without comments and the contents of strings; empty when it is not Swift.
    let code: SwiftCode

    init(path: String, text: String) {
        self.path = path
        self.text = text
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        code = SwiftCode(path.hasSuffix(".swift") ? text : "")
    }

    /// Whether the text has `word` anywhere: rules that look closer ask this first, since a
    /// regular expression over every line of the repository takes seconds.
    func mentions(_ word: String) -> Bool {
        strstr(text, word) != nil
    }

    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    var isSwift: Bool { path.hasSuffix(".swift") }
    var isTest: Bool { path.hasPrefix("Tests/") }
    /// Written by protoc-c: nobody reads or edits it line by line.
    var isGenerated: Bool { path.hasPrefix("Sources/CProtocol/") || path.contains("_pb2.py") }

    /// The folder below `Sources` or `Tests`; nil for any other file.
    var target: String? {
        let parts = path.split(separator: "/")
        guard parts.count > 2, parts[0] == "Sources" || parts[0] == "Tests" else { return nil }
        return String(parts[1])
    }
}

/// The files of this repository as they are on disk, found from the place of this source file.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Every text file, in the order of its path. Build products and what `.gitignore` leaves out
    /// live in folders whose names begin with a dot, except for the ones named here.
    static let files: [TextFile] = paths().compactMap { path in
        guard let data = try? Data(contentsOf: root.appendingPathComponent(path)),
            !data.contains(0), let text = String(data: data, encoding: .utf8)
        else { return nil }
        return TextFile(path: path, text: text)
    }

    static let swiftFiles = files.filter(\.isSwift)

    private static let dottedNames: Set<String> = [".ci", ".gitignore", ".swift-format"]
    private static let ignoredNames: Set<String> = ["__pycache__", "Package.resolved"]

    private static func paths() -> [String] {
        var found: [String] = []
        var folders = [""]
        while let folder = folders.popLast() {
            let url = folder.isEmpty ? root : root.appendingPathComponent(folder)
            let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
            for name in names where !ignoredNames.contains(name) {
                if name.hasPrefix("."), !dottedNames.contains(name) { continue }
                let path = folder.isEmpty ? name : "\(folder)/\(name)"
                var isFolder: ObjCBool = false
                let full = root.appendingPathComponent(path).path
                _ = FileManager.default.fileExists(atPath: full, isDirectory: &isFolder)
                if isFolder.boolValue { folders.append(path) } else { found.append(path) }
            }
        }
        return found.sorted()
    }
}
