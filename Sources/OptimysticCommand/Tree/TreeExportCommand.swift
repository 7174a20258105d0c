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
            it. A field that is no text is written as JSON, and comes back as a text.
            """)

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var form: TreeForm
    @OptionGroup package var range: RangeOptions
    @OptionGroup package var time: AsOfOption
    @Argument(help: "The tree.") package var name: ArgumentBytes
    @Option(help: "json, jsonl or csv.") package var format = RecordFormat.jsonl
    @Flag(help: "Write keys and values.") package var pairs = false

    package func run() async throws {
        let name = try name.collectionName()
        let interval = try range.keys(form.keys)
        try await options.withDatabase { database in
            let timeout = options.timeout?.duration
            let tree = try await database.openTree(named: name, timeout: timeout)
            // One revision for all that is read.
            let view = tree.asOf(revision: time.revision ?? tree.info.revision)
            let writer = RecordWriter(info: tree.info, form: form, isPairs: pairs)
            let bar = ProgressBar(unit: "entries")
            // Counted for the bar alone.
            let total =
                ProgressBar.isShown ? try await view.count(in: interval, timeout: timeout) : 0
            func each(_ body: (Bytes, Bytes) throws -> Void) async throws {
                var count = 0
                for try await (key, value) in view.entries(in: interval, timeout: timeout) {
                    try body(key, value)
                    if StandardOutput.isBroken { break }
                    count += 1
                    if count % 1000 == 0 { bar.show(count, share: Double(count) / Double(total)) }
                }
                bar.end()
            }
            try await write(writer, each)
        }
    }

    private func write(
        _ writer: RecordWriter,
        _ each: ((Bytes, Bytes) throws -> Void) async throws -> Void
    ) async throws {
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
            let columns = names.sorted()
            guard !columns.isEmpty else { return }
            output.line(CSVText.row(columns.map { .string($0.text) }))
            try await each { key, value in
                let fields = try writer.fields(key, value)
                output.line(CSVText.row(columns.map { fields[$0] }))
            }
        }
    }
}

/// Makes records of entries.
private struct RecordWriter {
    let info: CollectionInfo
    let form: TreeForm
    let isPairs: Bool

    private var isJSON: Bool { info.header.encoding == .json }

    /// - Throws: `.valueUndecodable` for a value that cannot be written so.
    func record(_ key: Bytes, _ value: Bytes) throws(DatabaseError) -> JSONText {
        if isJSON, !isPairs { return try json(key, value) }
        return .object(["key": try form.keys.json(of: key), "value": try member(key, value)])
    }

    /// The columns of a record.
    /// - Throws: As ``record(_:_:)``.
    func fields(_ key: Bytes, _ value: Bytes) throws(DatabaseError) -> [ExactText: JSONText] {
        let record = try record(key, value)
        guard case .raw(let text) = record else {
            guard case .object(let fields) = record else { throw problem(key, "is no object") }
            return fields
        }
        guard let parsed = try? JSONParser.parse(Array(text.utf8)),
            case .object(let fields) = parsed
        else { throw problem(key, "is no object, which a row of CSV must be; use --pairs") }
        return fields
    }

    private func member(_ key: Bytes, _ value: Bytes) throws(DatabaseError) -> JSONText {
        if form.values.hex { return .string(ByteText.hex(value)) }
        if isJSON { return try json(key, value) }
        guard let text = String(validating: value, as: UTF8.self) else {
            throw problem(key, "is no text; use --hex")
        }
        return .string(text)
    }

    private func json(_ key: Bytes, _ value: Bytes) throws(DatabaseError) -> JSONText {
        guard let json = JSONText(json: value) else { throw problem(key, "is no JSON") }
        return json
    }

    private func problem(_ key: Bytes, _ what: String) -> DatabaseError {
        DatabaseError(.valueUndecodable, "the value of key \(KeyText.text(key)) \(what)")
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
        guard !isPlain || text.isEmpty else { return text }
        let doubled = text.unicodeScalars.reduce(into: "") { doubled, scalar in
            if scalar == "\"" { doubled += "\"" }
            doubled.unicodeScalars.append(scalar)
        }
        return "\"\(doubled)\""
    }
}
