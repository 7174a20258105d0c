import BlockModel
import BlockRuntime
import Optimystic

/// Makes records of the entries of a tree, and refuses those that an import would not bring back as
/// the bytes that they are.
package struct RecordWriter {
    private let info: CollectionInfo
    private let keys: KeyForm
    private let isHex: Bool
    private let isPairs: Bool
    /// Whether what an import changes is written all the same.
    private let isLossy: Bool
    /// The members that hold the key, in all records so far; nil before the first one.
    private var keyFields: Set<ExactText>?

    package init(
        info: CollectionInfo, keys: KeyForm, isHex: Bool = false, isPairs: Bool = false,
        isLossy: Bool = false
    ) {
        self.info = info
        self.keys = keys
        self.isHex = isHex
        self.isPairs = isPairs || info.header.encoding != .json
        self.isLossy = isLossy
    }

    private var isJSON: Bool { info.header.encoding == .json }

    /// The record of an entry, of a file of JSON.
    /// - Throws: `.valueUndecodable` for an entry that would not come back as it is.
    package mutating func record(
        _ key: Bytes, _ value: Bytes
    ) throws(DatabaseError) -> JSONText {
        let record = try made(key, value)
        try check(key, value, comesBackAs: try parsed(record, key))
        return record
    }

    /// The columns of a record, of a file of comma-separated values.
    /// - Throws: As ``record(_:_:)``.
    package mutating func fields(
        _ key: Bytes, _ value: Bytes
    ) throws(DatabaseError) -> [ExactText: JSONText] {
        guard case .object(let fields) = try parsed(try made(key, value), key) else {
            throw problem(key, "is no object, which a row of CSV must be; use --pairs")
        }
        guard fields[""] == nil else {
            throw problem(key, "has a member without a name, which no column can be; use jsonl")
        }
        // A file of CSV holds texts only.
        try check(key, value, comesBackAs: .object(fields.mapValues { .string($0.fieldText) }))
        return fields
    }

    private func made(_ key: Bytes, _ value: Bytes) throws(DatabaseError) -> JSONText {
        guard isPairs else { return try json(key, value) }
        return .object(["key": try keys.json(of: key), "value": try member(key, value)])
    }

    private func member(_ key: Bytes, _ value: Bytes) throws(DatabaseError) -> JSONText {
        if isHex { return .string(ByteText.hex(value)) }
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

    private func parsed(_ record: JSONText, _ key: Bytes) throws(DatabaseError) -> JSONText {
        do throws(JSONParser.Problem) {
            return try JSONParser.parse(Array(record.text.utf8))
        } catch {
            throw problem(key, "is not read again: \(error)")
        }
    }

    // MARK: What an import makes of it

    /// - Parameter record: As an import reads it.
    private mutating func check(
        _ key: Bytes, _ value: Bytes, comesBackAs record: JSONText
    ) throws(DatabaseError) {
        guard !isLossy else { return }
        guard isPairs else { return try checkWhole(key, value, record) }
        let mapping = Importer.Mapping(
            keyField: "key", keyForm: keys, valueField: "value", isHex: isHex,
            encoding: isHex ? .bytes : info.header.encoding)
        let entry = try mapping.entry(of: record)
        guard entry.key == key, entry.value == value else { throw changes(key, entry.value) }
    }

    /// The record is the value, and one of its members must be the key, the same one in all.
    private mutating func checkWhole(
        _ key: Bytes, _ value: Bytes, _ record: JSONText
    ) throws(DatabaseError) {
        let text = Array(record.text.utf8)
        guard text == value else { throw changes(key, text) }
        guard case .object(let fields) = record else {
            throw problem(key, "is no object that could hold the key; use --pairs")
        }
        let names = fields.keys.filter { (try? keys.key(fields[$0] ?? .null)) == key }
        keyFields = keyFields?.intersection(names) ?? Set(names)
        guard keyFields?.isEmpty == false else {
            throw problem(
                key, "has no member that is the key, as those before have one; use --pairs")
        }
    }

    private func changes(_ key: Bytes, _ other: Bytes) -> DatabaseError {
        let isText = other.count <= 200
        let told = isText ? ": \(KeyText.text(other))" : ""
        return problem(
            key, "would be imported as other bytes\(told); use --lossy to write it all the same")
    }

    private func problem(_ key: Bytes, _ what: String) -> DatabaseError {
        DatabaseError(.valueUndecodable, "the value of key \(KeyText.text(key)) \(what)")
    }
}

extension JSONText {
    /// What stands in a field of comma-separated values.
    fileprivate var fieldText: String {
        if case .string(let text) = self { text } else { text }
    }
}
