import ArgumentParser
import BlockRuntime
import Optimystic

package struct TreeExportCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes the entries of a tree as of one revision, as a file that import reads.",
        discussion: """
            Of a tree of JSON the values are written, without their keys: they come back with \
            import --key and the field that holds the key. With --pairs, and of a tree of bytes \
            always, it is objects of key and value: they come back with import --key key \
            --value value, and --encoding bytes for a tree of bytes.

            csv is RFC 4180 with a header row of all fields there are; the tree is read twice for \
            it. What an import would not bring back as it was ends the export with exit code 65: \
            in csv a field that is no text, JSON in a spelling of its own, values without \
            their key. With --lossy it is written all the same; a field that is no text as JSON.
            """)

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var form: TreeForm
    @OptionGroup package var range: RangeOptions
    @OptionGroup package var time: AsOfOption
    @Argument(help: "The tree.") package var name: String
    @Option(help: "json, jsonl or csv.") package var format = RecordFormat.jsonl
    @Flag(help: "Write keys and values.") package var pairs = false
    @Flag(help: "Write also what an import would change.") package var lossy = false

    package func run() async throws {
        try await options.withDatabase { database in
            let timeout = options.timeout?.duration
            let tree = try await database.openTree(named: name, timeout: timeout)
            let keyForm = try form.keys.form(of: tree.info)
            let interval = try range.keys(keyForm)
            // One revision for all that is read.
            let view = try tree.asOf(revision: time.revision(of: tree.info) ?? tree.info.revision)
            let writer = RecordWriter(
                info: tree.info, keys: keyForm, isHex: form.values.hex, isPairs: pairs,
                isLossy: lossy)
            let bar = ProgressBar(unit: "entries")
            // Counted for the bar alone.
            let total =
                ProgressBar.isShown ? try await view.count(in: interval, timeout: timeout) : 0
            func each(_ body: (Bytes, Bytes) throws -> Void) async throws {
                var count = 0
                for try await (key, value) in view.entries(in: interval, timeout: timeout) {
                    try body(key, value)
                    count += 1
                    if count % 1000 == 0 { bar.show(count, share: Double(count) / Double(total)) }
                }
                bar.end()
            }
            try await write(writer, each)
        }
    }

    private func write(
        _ made: RecordWriter,
        _ each: ((Bytes, Bytes) throws -> Void) async throws -> Void
    ) async throws {
        var writer = made
        var output = StandardOutput()
        switch format {
        case .jsonl:
            try await each { key, value in output.line(try writer.record(key, value).text) }
        case .json:
            var before = "["
            try await each { key, value in
                output.line(before + (try writer.record(key, value).text))
                before = ","
            }
            output.line(before == "[" ? "[]" : "]")
        case .csv:
            var names: Set<ExactText> = []
            try await each { key, value in names.formUnion(try writer.fields(key, value).keys) }
            // Of a tree without entries there is a header still: a file without one is no CSV.
            let columns = names.isEmpty ? ["key", "value"] : names.sorted()
            output.line(CSVText.row(columns.map { .string($0.text) }))
            try await each { key, value in
                let fields = try writer.fields(key, value)
                output.line(CSVText.row(columns.map { fields[$0] }))
            }
        }
    }
}

/// Comma-separated values as RFC 4180 has them.
package enum CSVText {
    /// A row without its line feed. An absent field is nothing, an empty text `""`: ``CSVReader``
    /// tells them apart.
    package static func row(_ fields: [JSONText?]) -> String {
        fields.map { field in
            switch field {
            case nil: ""
            case .string(let text)?: quoted(text)
            case let other?: quoted(other.text)
            }
        }.joined(separator: ",") + "\r"
    }

    private static func quoted(_ text: String) -> String {
        let isPlain = !text.utf8.contains { byte in
            switch byte {
            case UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "\r"), UInt8(ascii: "\n"): true
            default: false
            }
        }
        // In front of a file the mark would be taken for one of byte order.
        let isMark = text.unicodeScalars.first == "\u{FEFF}"
        guard !isPlain || text.isEmpty || isMark else { return text }
        let doubled = text.unicodeScalars.reduce(into: "") { doubled, scalar in
            if scalar == "\"" { doubled += "\"" }
            doubled.unicodeScalars.append(scalar)
        }
        return "\"\(doubled)\""
    }
}
