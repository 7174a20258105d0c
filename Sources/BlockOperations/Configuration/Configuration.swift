import BlockRuntime

/// The settings of one run, each with the place its value came from.
package struct Configuration: Sendable {
    /// Where a value came from.
    package enum Source: Hashable, Sendable {
        case flag
        /// The variable's name.
        case environment(String)
        /// The file's path.
        case file(SystemPath)
        case builtIn
        /// The operator gave none and there is no default.
        case absent
    }

    /// One setting as it stands.
    package struct Entry: Hashable, Sendable {
        package let flag: String
        /// As it was written; nil when absent.
        package let bytes: Bytes?
        package let source: Source

        /// For people; nil when absent.
        package var text: String? { bytes.map { OutsideText.shown($0) } }
    }

    package let role: Role
    /// The command that came first on the command line, if any.
    package let command: String?
    /// One for each setting of the role, in its order. Every text has been checked.
    package let entries: [Entry]
    /// What is odd but does not stop the process, to be logged once logging works.
    package let warnings: [String]

    /// The value of `setting`.
    ///
    /// - Precondition: The role declares `setting`.
    /// - Throws: `invalidArgument` when the setting is required and the operator did not give it.
    package func value<Value>(of setting: Setting<Value>) throws(DatabaseError) -> Value {
        guard let entry = entries.first(where: { $0.flag == setting.flag }) else {
            throw DatabaseError(.internalError, "\(role.name) does not declare --\(setting.flag)")
        }
        guard let bytes = entry.bytes else {
            if let absent = setting.absent { return absent }
            throw DatabaseError(
                .invalidArgument,
                "--\(setting.flag) is required (or \(role.environmentVariable(of: setting)), or "
                    + "the key \"\(setting.flag)\" of the file that --configuration names)")
        }
        do {
            return try setting.value(of: bytes)
        } catch {
            throw DatabaseError(.internalError, "--\(setting.flag) was checked as another type")
        }
    }

    /// What `--print-configuration` prints: one line a setting with flag, value and source. No
    /// final line feed.
    package var text: String {
        let rows = entries.map { entry in
            [entry.flag, entry.text.map(Self.shown) ?? "-", entry.source.description]
        }
        return TextTable.lines(rows).joined(separator: "\n")
    }

    /// A text with spaces or control characters is quoted, so that the columns stay columns.
    private static func shown(_ text: String) -> String {
        let isPlain = text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
        return isPlain && !text.isEmpty ? text : String(reflecting: text)
    }
}

extension Configuration.Source: CustomStringConvertible {
    package var description: String {
        switch self {
        case .flag: "flag"
        case .environment(let name): "environment \(name)"
        case .file(let path): "file \(path)"
        case .builtIn: "default"
        case .absent: "not set"
        }
    }
}
