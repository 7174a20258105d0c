import BlockRuntime

extension Role {
    /// What `--help` prints: every command and flag, its values and default. No final line feed.
    package var helpText: String {
        var lines = ["\(name) \(Release.version): \(summary)", ""]
        let command = commands.isEmpty ? "" : " [COMMAND]"
        lines += ["Usage: \(name)\(command) [--FLAG VALUE | --FLAG=VALUE]...", ""]
        if !commands.isEmpty {
            lines.append("Commands:")
            lines += TextTable.lines(commands.map { [$0.name, $0.help] }, indent: 2)
            lines.append("")
        }
        lines.append("Flags:")
        for setting in settings {
            lines.append("  --\(setting.flag) \(setting.placeholder)")
            lines.append("      \(setting.help)")
            lines.append("      \(Self.constraint(of: setting))")
        }
        lines += TextTable.lines(Role.answers.map { ["--\($0.flag)", $0.help] }, indent: 2)
        lines += [
            "",
            "Each flag is also the environment variable \(environmentPrefix)<FLAG>, in",
            "capitals with _ for -, and a key of the file that --configuration names. A flag goes",
            "before a variable, a variable before the file, the file before the default.",
        ]
        return lines.joined(separator: "\n")
    }

    /// What `--version` prints.
    package var versionText: String { "\(name) \(Release.version)" }

    private static func constraint(of setting: any DeclaredSetting) -> String {
        let values = setting.expected.prefix(1).uppercased() + setting.expected.dropFirst()
        if let text = setting.defaultText { return "\(values). Default: \(text)." }
        return setting.isOptional ? "\(values). Optional." : "\(values). Required."
    }
}

/// Rows of text under one another.
enum TextTable {
    /// Pads every column but the last to its widest cell, two spaces apart.
    static func lines(_ rows: [[String]], indent: Int = 0) -> [String] {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.count)
            }
        }
        return rows.map { row in
            var line = String(repeating: " ", count: indent)
            for (column, cell) in row.enumerated() {
                line += cell
                guard column < row.count - 1 else { break }
                line += String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            return line
        }
    }
}
