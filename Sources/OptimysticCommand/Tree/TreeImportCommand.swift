import ArgumentParser
import BlockModel
import BlockOperations
import BlockRuntime
import Optimystic
import Synchronization

extension RecordFormat: ExpressibleByArgument {
    package init?(argument: String) { self.init(rawValue: argument) }
}

package struct TreeImportCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Puts the records of a file into a tree, and reports how many landed.",
        discussion: """
            json is one array of objects, or an object whose only member is one; jsonl one object \
            a line; csv is RFC 4180 with a header row, whose empty fields are absent and whose \
            values are texts. The value of an entry is the whole record as JSON with sorted keys, \
            unless --value names a field.

            Many records land in one atomic action, and several actions are under way. One that \
            fails is sent again for a minute. Running an import again does what it did before, so \
            one that was broken off is run again, or goes on with --from-line. A record that is \
            none stops the import with exit code 65, unless --skip-bad leaves it out.
            """)

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var form: TreeForm
    @Argument(help: "The tree; it is created when there is none.") package var name: ArgumentBytes
    @Argument(help: "The file; - for stdin.") package var file: ArgumentBytes = "-"
    @Option(help: "json, jsonl or csv. Default: what the file's name ends with.")
    package var format: RecordFormat?
    @Option(help: ArgumentHelp("The field that is the key.", valueName: "field"))
    package var key: ArgumentBytes
    @Option(
        help: ArgumentHelp(
            "The field that is the value. Default: the whole record.", valueName: "field"))
    package var value: ArgumentBytes?
    @Option(help: "What a new tree holds.") package var encoding = EncodingForm.json
    @Flag(name: .customLong("skip-bad"), help: "Leave bad records out, and name them.")
    package var skipBad = false
    @Option(
        name: .customLong("from-line"),
        help: ArgumentHelp("Leave out what begins in front of this line.", valueName: "line"))
    package var fromLine = 1
    @Option(help: ArgumentHelp("Records in one action at most.", valueName: "count"))
    package var batch = Limits.importBatchCountDefault

    package func validate() throws {
        if format ?? RecordFormat(path: file.bytes) == nil {
            throw ValidationError("say what the file is: --format json, jsonl or csv")
        }
        if form.values.hex, value == nil || encoding != .bytes {
            throw ValidationError("--hex goes with --value and --encoding bytes")
        }
        guard (1...Limits.treeOperationCountMax).contains(batch) else {
            throw ValidationError("--batch is 1 to \(Limits.treeOperationCountMax)")
        }
        guard fromLine >= 1 else { throw ValidationError("--from-line is 1 or more") }
    }

    package func run() async throws {
        let name = try name.collectionName()
        let keyField = ExactText(try key.text("the field behind --key"))
        let valueField = try value.map { value throws(DatabaseError) in
            ExactText(try value.text("the field behind --value"))
        }
        let readBytes = ReadBytes(of: file)
        let source = try ByteSource(path: file) { readBytes.add($0) }
        let bar = ProgressBar(unit: "records")
        guard let format = format ?? RecordFormat(path: file.bytes) else { return }
        let (report, failure) = try await options.withDatabase { database in
            let tree = try await TreeOpening.open(
                name, in: database, keyType: form.keys.newKeyType, encoding: encoding.encoding,
                options.timeout?.duration, mayMake: true)
            if form.values.hex, tree.info.header.encoding != .bytes {
                throw DatabaseError(
                    .collectionKindMismatch, "\"\(name)\" holds JSON, which --hex is not")
            }
            let importer = Importer(
                tree: tree, database: database,
                mapping: Importer.Mapping(
                    keyField: keyField, keyForm: try form.keys.form(of: tree.info),
                    valueField: valueField,
                    isHex: form.values.hex, encoding: tree.info.header.encoding),
                timeout: options.timeout?.duration, batchCount: batch, firstLine: fromLine,
                skipsBad: skipBad,
                onProgress: {
                    WritesUnderWay.progress(done: "\($0.landedCount) records have landed")
                    bar.show($0.landedCount, share: readBytes.share)
                })
            WritesUnderWay.begin(
                resolving: "run the same import again: a record that has landed is put in the "
                    + "place of itself")
            defer { WritesUnderWay.end() }
            return await importer.run(format.reader(of: source)) { line, problem in
                bar.end()
                StandardError.line("optimystic: \(file), line \(line): \(problem)")
            }
        }
        bar.end()
        write(report)
        if let line = report.stoppedAtLine {
            StandardError.line(
                "optimystic: every record in front of line \(line) has landed; "
                    + "--from-line \(line) goes on there")
            throw failure ?? ArgumentParser.ExitCode(BlockOperations.ExitCode.badInput.rawValue)
        }
        if report.landedCount == 0, report.skippedCount > 0 {
            StandardError.line("optimystic: no record of \(file) could be taken")
            throw ArgumentParser.ExitCode(BlockOperations.ExitCode.badInput.rawValue)
        }
    }

    private func write(_ report: ImportReport) {
        var output = StandardOutput()
        switch options.output {
        case .text:
            output.line(
                "\(report.landedCount) records landed, \(report.replacedCount) of them in the "
                    + "place of others, up to revision \(report.revision); "
                    + "\(report.skippedCount) left out")
        case .json:
            output.line(
                JSONText.object([
                    "actions": .count(report.actionCount), "landed": .count(report.landedCount),
                    "replaced": .count(report.replacedCount),
                    "revision": .number(report.revision.rawValue),
                    "skipped": .count(report.skippedCount),
                    "stoppedAtLine": report.stoppedAtLine.map { .count($0) } ?? .null,
                ]).text)
        }
    }
}

/// How much of a file was read, for a progress bar.
private final class ReadBytes: Sendable {
    private let count = Atomic<Int>(0)
    private let total: Int?

    init(of file: ArgumentBytes) { total = ByteSource.size(path: file) }

    func add(_ more: Int) { count.add(more, ordering: .relaxed) }

    /// nil when the file has no end that is known.
    var share: Double? { total.map { Double(count.load(ordering: .relaxed)) / Double($0) } }
}
