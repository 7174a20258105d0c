import BlockModel
import BlockRuntime
import BlockTransactions

/// An action of the custom workload: a client signs a sheet.
///
/// It says which signature of another client on the sheet its own client had seen last, so that the
/// log alone shows whether a client was overtaken unseen.
package struct Signature: Hashable, Sendable {
    /// What becomes of it when another client signs the sheet first.
    package enum Policy: UInt8, CaseIterable, Sendable {
        /// It is made all the same.
        case keep
        /// One that has seen the others is made in its place.
        case replace
        /// It is given up.
        case drop
        /// It is kept, and its handler fails.
        case refuse
    }

    package let client: Int
    /// Unique among those of the client; a replacement has that of what it replaces and a mark.
    package let name: String
    package let sheet: UInt8
    package let policy: Policy
    /// The newest signature of another client on the sheet; empty when there is none.
    package let seen: String

    package init(client: Int, name: String, sheet: UInt8, policy: Policy, seen: String) {
        self.client = client
        self.name = name
        self.sheet = sheet
        self.policy = policy
        self.seen = seen
    }

    /// Unique in a run.
    package var text: String { "\(client):\(name)" }

    // MARK: Bytes

    package var bytes: Bytes { [sheet, policy.rawValue] + Array("\(text)|\(seen)".utf8) }

    package init(bytes: Bytes) throws(DatabaseError) {
        let parts = bytes.dropFirst(2).split(
            separator: UInt8(ascii: "|"), omittingEmptySubsequences: false
        )
        .map { String(decoding: $0, as: UTF8.self) }
        guard bytes.count > 2, let policy = Policy(rawValue: bytes[1]), parts.count == 2,
            let colon = parts[0].firstIndex(of: ":"), let client = Int(parts[0][..<colon])
        else { throw DatabaseError(.valueUndecodable, "no signature") }
        self.init(
            client: client, name: String(parts[0][parts[0].index(after: colon)...]),
            sheet: bytes[0], policy: policy, seen: parts[1])
    }

    // MARK: What it does

    /// The handlers that ship run this: see ``CollectionBehavior``.
    package static let behavior = CollectionBehavior<Signature>(
        coding: .init(encode: { $0.bytes }, decode: { try Signature(bytes: $0) }),
        apply: { signature, scope in
            var sheet = SignedSheet(try scope.value(for: [signature.sheet]))
            try sheet.sign(signature)
            try scope.set([signature.sheet], sheet.bytes)
        },
        resolve: { pending, landed in
            let overtaking = landed.filter {
                $0.sheet == pending.sheet && $0.client != pending.client
            }
            guard let newest = overtaking.last else { return .keep }
            switch pending.policy {
            case .keep, .refuse: return .keep
            case .drop: return .drop
            case .replace:
                return .replace(
                    Signature(
                        client: pending.client, name: pending.name + "'", sheet: pending.sheet,
                        policy: .replace, seen: newest.text))
            }
        })
}

/// The value of a sheet: its newest signatures, of two clients.
package struct SignedSheet: Hashable, Sendable {
    /// The newest first.
    private var signatures: [String]

    /// The handler of a signature that insists on what it has seen.
    package struct Overtaken: Error {}

    package init(_ bytes: Bytes?) {
        signatures = (bytes ?? []).split(separator: UInt8(ascii: ";"))
            .map { String(decoding: $0, as: UTF8.self) }
    }

    package var bytes: Bytes { Array(signatures.joined(separator: ";").utf8) }

    /// The newest signature of another client; empty when there is none.
    package func newest(besides client: Int) -> String {
        signatures.first { !$0.hasPrefix("\(client):") } ?? ""
    }

    /// - Throws: ``Overtaken``.
    package mutating func sign(_ signature: Signature) throws {
        if signature.policy == .refuse, newest(besides: signature.client) != signature.seen {
            throw Overtaken()
        }
        let others = signatures.filter { !$0.hasPrefix("\(signature.client):") }
        signatures = [signature.text] + others.prefix(1)
    }
}
