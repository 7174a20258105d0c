import BlockModel
import BlockRuntime

/// Where several collections were at one moment: what is read as of it is consistent, across all of
/// them, however much later it is read.
///
/// It can be kept, and sent to another process as its text.
public struct RevisionVector: Hashable, Sendable {
    /// Where one collection was.
    public struct Element: Hashable, Sendable {
        /// The collection's name.
        public let name: String
        /// Behind all of the revision that it was at.
        public let position: CollectionPosition
    }

    /// Ordered by the collections' ids, each once.
    public let elements: [Element]

    init(_ elements: [Element]) {
        self.elements = elements.sorted { $0.collection < $1.collection }
    }

    package init(_ revisions: [(info: CollectionInfo, revision: Revision)]) {
        self.init(
            revisions.map {
                Element(
                    name: $0.info.name,
                    position: CollectionPosition(revision: $0.revision, in: $0.info))
            })
    }

    /// Where a collection was; nil when it is not in the vector.
    public func position(of collection: some DatabaseCollection) -> CollectionPosition? {
        position(named: collection.info.name)
    }

    package func position(named name: String) -> CollectionPosition? {
        let wanted = CollectionID(name: name)
        return elements.first { $0.collection == wanted }?.position
    }

    /// The revision to read a collection as of.
    /// - Throws: `.invalidArgument` when the collection is not in the vector;
    ///   `.positionNotFound` when it was another life of it.
    public func revision(
        of collection: some DatabaseCollection
    ) throws(DatabaseError) -> Revision {
        try revision(in: collection.info)
    }

    package func revision(in info: CollectionInfo) throws(DatabaseError) -> Revision {
        guard let position = position(named: info.name) else {
            throw DatabaseError(
                .invalidArgument,
                "\"\(info.name)\" is not among the \(elements.count) collections of the snapshot")
        }
        return try position.revision(in: info)
    }
}

extension RevisionVector.Element {
    fileprivate var collection: CollectionID { CollectionID(name: name) }
}

extension RevisionVector: CustomStringConvertible {
    /// As ``init(text:)`` reads it: `accounts=12@1-mfrggzdf,ledger=5@1-nbswy3dp`. Of a name, what
    /// is not a letter, a digit, or one of `-._` stands as `%` and two hex digits.
    public var description: String {
        elements.map { "\(Self.escaped($0.name))=\($0.position)" }.joined(separator: ",")
    }

    /// - Returns: nil unless `text` is a ``description``.
    public init?(text: String) {
        var elements: [Element] = []
        for part in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        {
            let sides = part.split(separator: UInt8(ascii: "="), omittingEmptySubsequences: false)
            guard sides.count == 2, let name = Self.name(sides[0]),
                let position = CollectionPosition(text: String(Substring(sides[1]))),
                position.life != nil, position.index == nil
            else { return nil }
            elements.append(Element(name: name, position: position))
        }
        guard Set(elements.map(\.collection)).count == elements.count else { return nil }
        self.init(elements)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func escaped(_ name: String) -> String {
        var text = ""
        for byte in name.utf8 {
            text += isPlain(byte) ? String(decoding: [byte], as: UTF8.self) : "%"
            if !isPlain(byte) { text += ByteText.hex([byte]) }
        }
        return text
    }

    private static func name(_ text: Substring.UTF8View) -> String? {
        var bytes = Bytes()
        var rest = text[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                guard isPlain(byte) else { return nil }
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let decoded = ByteText.bytes(hex: Substring(rest.prefix(2)))
            else { return nil }
            bytes += decoded
            rest = rest.dropFirst(2)
        }
        guard let name = String(validating: bytes, as: UTF8.self),
            CollectionName.problem(name) == nil
        else { return nil }
        return name
    }
}
