import BlockRuntime

/// Names a transaction, and says where its fate is decided: what is kept to ask for that later, in
/// another process if need be.
///
/// Two are equal when they name the same transaction, wherever they come from: the commit, an
/// error, or an entry that it left.
public struct TransactionID: Sendable {
    /// The id of the first action of each part, in its log.
    package let action: ActionID
    /// The collection that decides (protocol: home-decides).
    package let home: CollectionLife
    /// It is in the log of its home above this revision, or it is not.
    package let firstRevision: Revision

    package init(action: ActionID, home: CollectionLife, firstRevision: Revision) {
        self.action = action
        self.home = home
        self.firstRevision = firstRevision
    }
}

extension TransactionID: Hashable {
    /// Whether both name the same transaction, wherever they come from.
    public static func == (left: Self, right: Self) -> Bool { left.action == right.action }

    /// Hashes what ``==(_:_:)`` compares.
    public func hash(into hasher: inout Hasher) { hasher.combine(action) }
}

extension TransactionID: CustomStringConvertible {
    /// As ``init(text:)`` reads it: the action's id, the home and its life, and the revision, in
    /// base32 and decimal, about 120 characters.
    public var description: String {
        let names = [
            ByteText.base32(action.rawValue.bytes), ByteText.base32(home.collection.digest.bytes),
            ByteText.base32(home.incarnation.nonce.bytes),
        ]
        return names.joined(separator: ".")
            + ".\(home.incarnation.generation).\(firstRevision.rawValue)"
    }

    /// - Returns: nil unless `text` is a ``description``.
    public init?(text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 5,
            let action = Self.bytes(parts[0]).flatMap({ Identifier128($0) }),
            let home = Self.bytes(parts[1]).flatMap({ Digest($0) }),
            let nonce = Self.bytes(parts[2]).flatMap({ Identifier128($0) }),
            let generation = UInt64(Substring(parts[3])), generation > 0,
            generation <= Limits.counterMax,
            let revision = UInt64(Substring(parts[4])), revision <= Limits.counterMax
        else { return nil }
        self.init(
            action: ActionID(rawValue: action),
            home: CollectionLife(
                collection: CollectionID(home),
                incarnation: Incarnation(generation: generation, nonce: nonce)),
            firstRevision: Revision(revision))
        guard description.utf8.elementsEqual(text.utf8) else { return nil }
    }

    private static func bytes(_ text: Substring.UTF8View) -> Bytes? {
        ByteText.bytes(base32: Substring(text))
    }
}

extension Entry {
    /// The transaction over several collections that each of its actions is a part of; nil when
    /// they are of none.
    /// - Parameter body: The entry's.
    package func transactions(_ body: EntryBody) -> [TransactionID]? {
        attempt.map { $0.transactions(body) }
    }
}

extension Attempt {
    /// The transaction that each action of `body`, an entry of it, is a part of. An attempt may
    /// carry several out, one behind the other (protocol: group-shares-one-home): the actions of
    /// each are beside each other, and their ids follow from that of the first.
    /// - Complexity: O(actions), with a hash for each.
    package func transactions(_ body: EntryBody) -> [TransactionID] {
        let part = homePart
        let home = CollectionLife(collection: part.collection, incarnation: part.incarnation)
        var first: ActionID?
        var number = 0
        return body.actions.map { action in
            number += 1
            if let first, action.id == first.following(number) {
                invariant(number < body.actions.count, "an action follows the last one")
            } else {
                first = action.id
                number = 0
            }
            return TransactionID(
                action: first ?? action.id, home: home, firstRevision: part.target.previous)
        }
    }
}

extension ActionID {
    /// The id of a transaction's action on a collection whose first one there has this id: the
    /// same for every collection.
    /// - Parameter number: From 1 on.
    package func following(_ number: Int) -> ActionID {
        var encoder = CanonicalEncoder()
        encoder.append(self)
        encoder.append(UInt32(number))
        let digest = Digest(domain: "optimystic/transaction-action/1", encoder.bytes)
        return ActionID(
            rawValue: Identifier128(digest.bytes.prefix(Identifier128.byteCount)) ?? .zero)
    }
}
