import BlockModel
import BlockRuntime
import Optimystic
import OptimysticCommand
import Testing

/// Every export is imported to the same bytes, or refused with the reason.
@Suite("Exports") struct ExportTests {
    /// How a tree is written, and read again.
    private struct Way {
        let format: RecordFormat
        let isPairs: Bool
        let isHex: Bool
    }

    private let ways: [Way] = RecordFormat.allCases.flatMap { format in
        [(false, false), (true, false), (true, true)].map {
            Way(format: format, isPairs: $0.0, isHex: $0.1)
        }
    }

    private func info(_ keyType: KeyType, _ encoding: ValueEncoding) -> CollectionInfo {
        CollectionInfo(
            name: "t", incarnation: Incarnation(generation: 1, nonce: .zero),
            header: CollectionHeader(kind: .tree, encoding: encoding, keyType: keyType),
            revision: .zero, createdBy: ActionID(rawValue: .zero))
    }

    /// The file; nil, and why, when it is refused.
    private func export(
        _ entries: [(key: Bytes, value: Bytes)], _ info: CollectionInfo, _ way: Way
    ) -> (text: String?, problem: DatabaseError?) {
        var writer = RecordWriter(
            info: info, keys: KeyForm(info.header.keyType), isHex: way.isHex,
            isPairs: way.isPairs)
        do throws(DatabaseError) {
            var lines: [String] = []
            switch way.format {
            case .jsonl:
                for (key, value) in entries { lines.append(try writer.record(key, value).text) }
            case .json:
                for (key, value) in entries { lines.append(try writer.record(key, value).text) }
                return ("[" + lines.joined(separator: "\n,") + "]", nil)
            case .csv:
                var names: Set<ExactText> = []
                for (key, value) in entries {
                    names.formUnion(try writer.fields(key, value).keys)
                }
                let columns = names.isEmpty ? ["key", "value"] : names.sorted()
                lines.append(CSVText.row(columns.map { .string($0.text) }))
                for (key, value) in entries {
                    let fields = try writer.fields(key, value)
                    lines.append(CSVText.row(columns.map { fields[$0] }))
                }
            }
            return (lines.map { $0 + "\n" }.joined(), nil)
        } catch {
            return (nil, error)
        }
    }

    private func records(_ text: String, _ format: RecordFormat) throws -> [JSONText] {
        var bytes: Bytes? = Array(text.utf8)
        let source = ByteSource { () throws(DatabaseError) in
            defer { bytes = nil }
            return bytes ?? []
        }
        var reader = format.reader(of: source)
        var records: [JSONText] = []
        while let item = try reader.next() {
            guard case .record(_, let record) = item else {
                Issue.record("\(item) in \(text)")
                return records
            }
            records.append(record)
        }
        return records
    }

    /// Whether some field is the key, and the rest is the value, of all records.
    private func isImported(
        _ records: [JSONText], _ entries: [(key: Bytes, value: Bytes)], _ info: CollectionInfo,
        _ way: Way
    ) -> Bool {
        let isPairs = way.isPairs || info.header.encoding != .json
        var names: [ExactText] = ["key"]
        if !isPairs, case .object(let fields)? = records.first { names = Array(fields.keys) }
        return names.contains { name in
            let mapping = Importer.Mapping(
                keyField: name, keyForm: KeyForm(info.header.keyType),
                valueField: isPairs ? "value" : nil, isHex: way.isHex,
                encoding: way.isHex ? .bytes : info.header.encoding)
            let found = records.map { try? mapping.entry(of: $0) }
            return found.count == entries.count
                && zip(found, entries).allSatisfy { $0?.key == $1.key && $0?.value == $1.value }
        }
    }

    /// A value: of bytes anything; of JSON what programs write, now and then in their own spelling.
    private func value(
        _ random: inout SeededGenerator, _ encoding: ValueEncoding, _ key: JSONText
    ) -> Bytes {
        let texts = [
            "", "a", "é", "e\u{301}", "x,y", "q\"", "\r\n", "\u{FEFF}m", "\u{0}", "\u{8}\u{7F}",
            " ",
        ]
        if encoding == .bytes {
            return random.chance(1, in: 8)
                ? [0xFF, 0x00] : Array(texts[random.below(texts.count)].utf8)
        }
        if random.chance(1, in: 30) { return Array("[1, 2]".utf8) }
        var pairs: [ExactText: JSONText] = [:]
        for _ in 0..<random.below(4) {
            let member: JSONText =
                switch random.below(8) {
                case 0: .raw("1.50")
                case 1: .null
                case 2: .object(["": .array([.boolean(true)])])
                default: .string(texts[random.below(texts.count)])
                }
            pairs[ExactText(texts[random.below(texts.count)])] = member
        }
        if random.chance(5, in: 6) { pairs["id"] = key }
        let text = JSONText.object(pairs).text
        return Array((random.chance(1, in: 12) ? " " + text + "\n" : text).utf8)
    }

    @Test("of trees of every kind, in every format: to the same bytes, or not at all")
    func property() throws {
        var random = SeededGenerator(seed: 29)
        var writtenCount = 0
        var refusedCount = 0
        for round in 0..<1500 {
            let types: [KeyType] = [String.keyType, Int.keyType, Bytes.keyType, "uint16", "date"]
            let keyType = types[round % types.count]
            let encoding: ValueEncoding = random.chance(1, in: 2) ? .json : .bytes
            let info = info(keyType, encoding)
            let form = KeyForm(keyType)
            var entries: [(key: Bytes, value: Bytes)] = []
            for number in 0..<random.below(4) {
                let key: Bytes =
                    switch keyType.text {
                    case "text": Array("k\(number),\"\r\n".utf8)
                    case "int64": try (number - 1).keyBytes
                    case "uint16": try UInt16(number).keyBytes
                    case "date": try Double(number).keyBytes
                    default: [UInt8(number), 0xFF]
                    }
                let json = try form.json(of: key)
                entries.append((key, value(&random, encoding, json)))
            }
            for way in ways where !(way.isHex && encoding == .json) {
                let (text, problem) = export(entries, info, way)
                guard let text else {
                    refusedCount += 1
                    #expect(problem?.code == .valueUndecodable)
                    #expect(problem?.message.contains("the value of key") == true)
                    continue
                }
                writtenCount += 1
                let records = try records(text, way.format)
                #expect(isImported(records, entries, info, way), "\(way) \(text)")
            }
        }
        #expect(writtenCount > 2000 && refusedCount > 500, "\(writtenCount) \(refusedCount)")
    }

    @Test("a member without a name is no column, and is kept by the other formats")
    func nameless() throws {
        let info = info(String.keyType, .json)
        let entries = [(key: Array("1".utf8), value: Array(#"{"":"5","k":"1"}"#.utf8))]
        for way in ways where !way.isHex && !way.isPairs {
            let (text, problem) = export(entries, info, way)
            #expect((text == nil) == (way.format == .csv))
            if way.format == .csv {
                #expect(problem?.message.contains("a member without a name") == true)
            }
        }
    }

    @Test("what would come back changed is written only when that was asked for")
    func lossy() throws {
        let info = info(String.keyType, .json)
        let key = Array("1".utf8)
        for value in [#"{"k":"1","n":5}"#, #"{"n": "5", "k": "1"}"#, #"{"n":"5"}"#] {
            var strict = RecordWriter(info: info, keys: .text)
            #expect(throws: DatabaseError.self) { try strict.fields(key, Array(value.utf8)) }
            var lossy = RecordWriter(info: info, keys: .text, isLossy: true)
            #expect(try lossy.fields(key, Array(value.utf8))["n"] != nil)
        }
    }
}
