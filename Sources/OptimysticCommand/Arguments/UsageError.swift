/// A command line that makes no sense: exit code 64, and where to read what would.
package struct UsageError: Error {
    package let message: String
    /// The words of the command that it is about.
    let path: [String]

    init(_ message: String, path: [String] = []) {
        self.message = message
        self.path = path
    }

    /// For people.
    package var text: String {
        let words = (["optimystic"] + path).joined(separator: " ")
        return "Error: \(message)\n  See '\(words) --help' for more information."
    }
}
