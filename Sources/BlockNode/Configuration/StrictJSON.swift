import BlockRuntime

/// A place in a JSON document that a person wrote: every error says where, and what was expected.
struct JSONPlace {
    let value: JSONText
    /// E.g. `peers[2].address`; empty for the document.
    let path: String
    /// The document, for messages.
    let document: String

    /// - Throws: `.configurationInvalid` when `bytes` are not JSON.
    init(document: String, _ bytes: Bytes) throws(DatabaseError) {
        do throws(JSONParser.Problem) {
            value = try JSONParser.parse(bytes)
        } catch {
            throw DatabaseError(.configurationInvalid, "\(document) is \(error)")
        }
        path = ""
        self.document = document
    }

    private init(_ value: JSONText, _ path: String, _ document: String) {
        self.value = value
        self.path = path
        self.document = document
    }

    func wrong(_ expected: String) -> DatabaseError {
        let place = path.isEmpty ? document : "\(document): \(path)"
        return DatabaseError(.configurationInvalid, "\(place) must be \(expected)")
    }

    /// The members of an object that may have no keys but these.
    func members(_ known: [ExactText]) throws(DatabaseError) -> [ExactText: JSONText] {
        guard case .object(let members) = value else { throw wrong("an object") }
        for key in members.keys.sorted() where !known.contains(key) {
            throw DatabaseError(
                .configurationInvalid,
                "\(document): unknown key \(self.key(key.text)); known are "
                    + known.map(\.text).joined(separator: ", "))
        }
        return members
    }

    /// The member `key` of an object that has it.
    func member(
        _ key: String, of members: [ExactText: JSONText]
    ) throws(DatabaseError) -> JSONPlace {
        guard let value = members[ExactText(key)] else {
            throw DatabaseError(
                .configurationInvalid, "\(document): the key \(self.key(key)) is missing")
        }
        return JSONPlace(value, self.key(key), document)
    }

    private func key(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    /// The elements of a list of at most `countMax`.
    func elements(countMax: Int) throws(DatabaseError) -> [JSONPlace] {
        guard case .array(let values) = value else { throw wrong("a list") }
        guard values.count <= countMax else {
            throw wrong("a list of at most \(countMax), it has \(values.count)")
        }
        return values.enumerated().map { JSONPlace($1, "\(path)[\($0)]", document) }
    }

    func text() throws(DatabaseError) -> String {
        guard case .string(let text) = value else { throw wrong("a text") }
        return text
    }

    /// The name of a service.
    func name() throws(DatabaseError) -> String {
        let text = try text()
        if let expected = NameText.problem(ofServiceName: text) { throw wrong(expected) }
        return text
    }

    /// A whole number.
    func integer(in range: ClosedRange<Int>) throws(DatabaseError) -> Int {
        guard case .raw(let digits) = value, let integer = Int(digits),
            range.contains(integer)
        else { throw wrong("a whole number from \(range.lowerBound) to \(range.upperBound)") }
        return integer
    }

    func identifier() throws(DatabaseError) -> Identifier128 {
        guard case .string(let text) = value, let identifier = Identifier128(text: text) else {
            throw wrong("a UUID")
        }
        return identifier
    }
}
