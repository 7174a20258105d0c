import BlockModel
import BlockRuntime
import Optimystic

/// One line of a transaction: what is done to which collection, and on what condition.
package struct TransactionStep: Sendable {
    package enum Verb: String, Sendable, CaseIterable {
        case put, delete, check, append, enqueue, dequeue
    }

    package enum Condition: Sendable {
        case absent
        case present
        case value(JSONText)
    }

    /// Where it stands, from 1.
    package let line: Int
    package let collection: String
    package let verb: Verb
    package let key: JSONText?
    package let value: JSONText?
    package let hex: Bytes?
    package let count: Int
    package let condition: Condition?

    private static let members: Set<ExactText> = [
        "collection", "action", "key", "value", "hex", "count", "if", "ifValue",
    ]

    /// - Throws: `.valueUndecodable` with the line for what is no step.
    package init(_ record: JSONText, line: Int) throws(DatabaseError) {
        self.line = line
        func problem(_ text: String) -> DatabaseError {
            DatabaseError(.valueUndecodable, "line \(line): \(text)")
        }
        guard case .object(let fields) = record else { throw problem("it is no object") }
        if let other = fields.keys.sorted().first(where: { !Self.members.contains($0) }) {
            throw problem(
                "\"\(other.text)\" is none of the members "
                    + Self.members.sorted().map(\.text).joined(separator: ", "))
        }
        guard case .string(let name)? = fields["collection"] else {
            throw problem("\"collection\" is to be the name of one")
        }
        if let wrong = CollectionName.problem(name) { throw problem(wrong.message) }
        guard case .string(let word)? = fields["action"], let verb = Verb(rawValue: word) else {
            let words = Verb.allCases.map(\.rawValue).joined(separator: ", ")
            throw problem("\"action\" is to be one of \(words)")
        }
        collection = name
        self.verb = verb
        key = fields["key"]
        value = fields["value"]
        do throws(Wrong) {
            hex = try Self.hex(fields["hex"])
            count = try Self.count(fields["count"])
            condition = try Self.condition(fields["if"], fields["ifValue"])
        } catch {
            throw problem(error.text)
        }
        if let wrong = wrongField(hasCount: fields["count"] != nil) { throw problem(wrong) }
    }

    /// What of it does not go with its verb.
    private func wrongField(hasCount: Bool) -> String? {
        let hasValue = value != nil || hex != nil
        if value != nil, hex != nil { return "\"value\" and \"hex\" exclude each other" }
        let isOnTree = [.put, .delete, .check].contains(verb)
        if (key != nil) != isOnTree { return "\"\(verb)\" takes \(isOnTree ? "a" : "no") \"key\"" }
        if hasValue != [.put, .append, .enqueue].contains(verb) {
            return "\"\(verb)\" takes \(hasValue ? "no" : "a") \"value\""
        }
        if condition != nil, !isOnTree { return "\"\(verb)\" takes no condition" }
        if verb == .check, condition == nil { return "\"check\" takes \"if\" or \"ifValue\"" }
        if hasCount, verb != .dequeue { return "\"\(verb)\" takes no \"count\"" }
        return nil
    }

    private struct Wrong: Error {
        let text: String
    }

    private static func hex(_ field: JSONText?) throws(Wrong) -> Bytes? {
        guard let field else { return nil }
        guard case .string(let text) = field, let bytes = ByteText.bytes(hex: text) else {
            throw Wrong(text: "\"hex\" is to be an even number of hexadecimal digits")
        }
        return bytes
    }

    private static func count(_ field: JSONText?) throws(Wrong) -> Int {
        guard let field else { return 1 }
        guard let count = Int(field.text), (1...Limits.queueValueCountMax).contains(count) else {
            throw Wrong(text: "\"count\" is to be 1 to \(Limits.queueValueCountMax)")
        }
        return count
    }

    private static func condition(
        _ word: JSONText?, _ value: JSONText?
    ) throws(Wrong) -> Condition? {
        switch (word, value) {
        case (nil, nil): return nil
        case (nil, let value?): return .value(value)
        case (.string("absent")?, nil): return .absent
        case (.string("present")?, nil): return .present
        default:
            throw Wrong(
                text: "\"if\" is to be \"absent\" or \"present\", and does not go with \"ifValue\"")
        }
    }
}
