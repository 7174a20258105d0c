import BlockModel
import BlockRuntime

/// What a transaction reads and writes, key by key where it says so: enough to tell whether one
/// makes what another has read a conflict.
package struct TransactionFootprint: Sendable {
    /// A key of a tree.
    package struct Key: Hashable, Sendable {
        package let collection: CollectionID
        package let key: Bytes
    }

    /// Keys whose values it relies on.
    package private(set) var readKeys: Set<Key> = []
    package private(set) var readRanges: [(collection: CollectionID, range: KeyRange)] = []
    /// Collections that must not change at all.
    package private(set) var watched: Set<CollectionID> = []
    package private(set) var writtenKeys: Set<Key> = []
    package private(set) var written: Set<CollectionID> = []

    package init(_ request: TransactionRequest) {
        for part in request.parts {
            if part.expectedRevision != nil { watched.insert(part.collection) }
            if part.writes { written.insert(part.collection) }
            for case .tree(let action) in part.actions { add(action, on: part.collection) }
        }
    }

    /// Of a transaction that lands as one action.
    package init(_ request: ActionRequest) {
        written.insert(request.collection)
        if case .tree(let action) = request.content { add(action, on: request.collection) }
    }

    private mutating func add(_ action: TreeAction, on collection: CollectionID) {
        for check in action.checks {
            switch check {
            case .value(let key, _), .present(let key):
                readKeys.insert(Key(collection: collection, key: key))
            case .range(let range, _): readRanges.append((collection, range))
            }
        }
        for operation in action.operations {
            switch operation {
            case .put(let key, _), .delete(let key):
                writtenKeys.insert(Key(collection: collection, key: key))
            }
        }
    }

    /// Whether what this one writes may break what `other` relies on.
    package func disturbs(_ other: TransactionFootprint) -> Bool {
        !written.isDisjoint(with: other.watched)
            || !writtenKeys.isDisjoint(with: other.readKeys)
            || other.readRanges.contains { collection, range in
                writtenKeys.contains { $0.collection == collection && range.contains($0.key) }
            }
    }
}
