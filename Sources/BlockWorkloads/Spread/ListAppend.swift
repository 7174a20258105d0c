import BlockModel
import BlockRuntime
import BlockTransactions

/// The action of the custom collection among the lists: appends an element to the list of a key.
package struct ListAppend: Hashable, Sendable {
    let key: Bytes
    let element: Bytes

    /// Begins the bytes of each: no other custom workload's do.
    private static let mark: UInt8 = 0xA1

    private init?(_ bytes: Bytes) {
        guard bytes.count > 1, bytes[0] == ListAppend.mark, bytes.count >= 2 + Int(bytes[1])
        else { return nil }
        key = Bytes(bytes[2..<(2 + Int(bytes[1]))])
        element = Bytes(bytes[(2 + Int(bytes[1]))...])
    }

    init(key: Bytes, element: Bytes) {
        self.key = key
        self.element = element
    }

    private var bytes: Bytes { [ListAppend.mark, UInt8(key.count)] + key + element }

    private struct Malformed: Error {}

    /// The handlers that its clients run: see ``CollectionBehavior``.
    package static let behavior = CollectionBehavior<ListAppend>(
        coding: .init(
            encode: { $0.bytes },
            decode: {
                guard let action = ListAppend($0) else { throw Malformed() }
                return action
            }),
        apply: { action, scope in
            let elements = ElementList.elements(try scope.value(for: action.key))
            try scope.set(action.key, ElementList.bytes(elements + [action.element]))
        })

    /// What the collection holds after its log; nil when that is another workload's.
    package static func finalEntries(of log: CustomLog) -> [TreeEntry]? {
        var lists: [Bytes: [Bytes]] = [:]
        for action in log.entries.flatMap(\.actions) {
            guard let append = ListAppend(action.bytes) else { return nil }
            lists[append.key, default: []].append(append.element)
        }
        return lists.map { TreeEntry(key: $0.key, value: ElementList.bytes($0.value)) }
            .sorted { KeyOrder.compare($0.key, $1.key) < 0 }
    }
}
