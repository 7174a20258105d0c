/// Queues of many sources that take turns, one element each, in the order they became non-empty.
struct FairQueue<Source: Hashable, Element> {
    private var lanes: [Source: Lane<Element>] = [:]
    private var turns = Lane<Source>()

    var isEmpty: Bool { turns.count == 0 }

    /// How many elements of `source` wait.
    func count(from source: Source) -> Int { lanes[source]?.count ?? 0 }

    /// - Complexity: O(1).
    mutating func append(_ element: Element, from source: Source) {
        if lanes[source] == nil { turns.append(source) }
        lanes[source, default: Lane()].append(element)
    }

    /// The next element of the source whose turn it is.
    /// - Complexity: O(1) amortised.
    mutating func popFirst() -> (source: Source, element: Element)? {
        guard let source = turns.popFirst(), let element = lanes[source]?.popFirst() else {
            return nil
        }
        if count(from: source) > 0 {
            turns.append(source)
        } else {
            lanes[source] = nil
        }
        return (source, element)
    }
}

/// First in, first out.
private struct Lane<Element> {
    // Taken slots are emptied at once and removed when they are the greater part.
    private var slots: [Element?] = []
    private var head = 0

    var count: Int { slots.count - head }

    mutating func append(_ element: Element) { slots.append(element) }

    mutating func popFirst() -> Element? {
        guard head < slots.count else { return nil }
        let element = slots[head].take()
        head += 1
        if head * 2 > slots.count {
            slots.removeFirst(head)
            head = 0
        }
        return element
    }
}
