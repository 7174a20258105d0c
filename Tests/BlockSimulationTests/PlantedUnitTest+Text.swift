import BlockModel
import BlockSimulation
import Foundation

extension PlantedUnitTest {
    /// What is wrong with it as it stands in the sources; nil when the test is there and plants the
    /// bug.
    func problem() throws -> String? {
        let text = try PlantedUnitTest.text(of: "\(file).swift")
        guard let title = text.range(of: "\"\(name)\"") else {
            return "\(file) has no test \"\(name)\""
        }
        let rest = text[title.upperBound...]
        let test = rest[..<(rest.range(of: "@Test")?.lowerBound ?? rest.endIndex)]
        return test.contains(".\(bug.rawValue)") ? nil : "\"\(name)\" does not plant \(bug)"
    }

    /// A file below `Tests`.
    static func text(of path: String) throws -> String {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: tests.appendingPathComponent(path), encoding: .utf8)
    }
}
