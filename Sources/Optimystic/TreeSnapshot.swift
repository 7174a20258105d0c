import BlockModel
import BlockRuntime
import OptimysticClient

extension Tree {
    /// A tree as of one revision, or, as ``Tree/latest``, as it is whenever it is asked.
    ///
    /// As of a revision nothing it answers ever changes, and no answer waits for writers.
    public struct Snapshot: Sendable {
        let handle: CollectionHandle<Value>
        /// nil: the newest when the question arrives, linearizable.
        public let revision: Revision?
        let read: ReadValues

        // MARK: Single keys

        /// - Returns: The value of `key`, nil when it has none.
        /// - Throws: `.valueUndecodable`; `.invalidArgument` for a revision that does not exist.
        /// - Complexity: O(log n) blocks, most of them in the proxy's cache.
        public func value(for key: Key, timeout: Duration? = nil) async throws -> Value? {
            try await values(for: [key], timeout: timeout)[0]
        }

        /// The values of several keys at one revision, in their order.
        /// - Throws: See ``value(for:timeout:)``.
        public func values(for keys: [Key], timeout: Duration? = nil) async throws -> [Value?] {
            let keyBytes = try keys.map { key throws(DatabaseError) in try key.keyBytes }
            let found = try await rawValues(for: keyBytes, timeout: timeout).values
            return try zip(keyBytes, found).map { key, value in
                try value.map { try decoded($0, key) }
            }
        }

        /// Whether the key has a value. Costs as much as ``value(for:timeout:)``.
        ///
        /// - Throws: As for ``value(for:timeout:)``.
        public func contains(_ key: Key, timeout: Duration? = nil) async throws -> Bool {
            try await rawValues(for: [try key.keyBytes], timeout: timeout).values[0] != nil
        }

        /// All values at one revision, in as many requests as they take.
        func rawValues(for keys: [Bytes], timeout: Duration?) async throws -> TreeValues {
            var found: [Bytes?] = []
            var asOf = revision
            repeat {
                let part = Array(keys[found.count...].prefix(Limits.treeCheckCountMax))
                let request = request(.values(part), asOf: asOf)
                let answer = try await handle.database.ask(request, timeout: timeout) { reply in
                    if case .treeValues(let values) = reply { values } else { nil }
                }
                guard answer.values.count <= part.count, !answer.values.isEmpty || part.isEmpty
                else {
                    throw Database.unexpectedReply(.treeValues(answer))
                }
                handle.seen.raise(to: answer.asOf)
                asOf = answer.asOf
                found += answer.values
            } while found.count < keys.count
            return TreeValues(values: found, asOf: asOf ?? .zero)
        }

        // MARK: Ranges

        /// The number of entries.
        /// - Complexity: Reads every block of the tree.
        /// - Throws: `.historyTruncated` and `.positionNotFound` for the revision.
        public func count(timeout: Duration? = nil) async throws -> Int {
            try await count(in: Keys<Key>.all, timeout: timeout)
        }

        /// The number of entries of an interval.
        /// - Complexity: Reads every block of the interval.
        /// - Throws: `.historyTruncated` and `.positionNotFound` for the revision.
        public func count(
            in interval: some KeyInterval<Key>, timeout: Duration? = nil
        ) async throws -> Int {
            let request = request(.count(try interval.keyRange()), asOf: revision)
            let (count, asOf) = try await handle.database.ask(request, timeout: timeout) { reply in
                if case .count(let count, let asOf) = reply { (count, asOf) } else { nil }
            }
            handle.seen.raise(to: asOf)
            return Int(clamping: count)
        }

        /// The entries of an interval in order, as of one revision: what the sequence yields does
        /// not change while it is read. Reads a page ahead.
        ///
        /// - Parameters:
        ///   - limit: Entries at most; no more are read. nil: all; 0 or less: none.
        ///   - timeout: For each page.
        /// - Throws: From the iterator: `.valueUndecodable`, also for a key.
        public func entries(
            in interval: some KeyInterval<Key>, direction: ReadDirection = .forward,
            limit: Int? = nil, timeout: Duration? = nil
        ) -> Entries {
            Entries(
                snapshot: self, range: Result { try interval.keyRange() }, direction: direction,
                limit: limit ?? .max, timeout: timeout ?? handle.database.timeout)
        }

        /// All entries in order; see ``entries(in:direction:limit:timeout:)``.
        public func entries(
            direction: ReadDirection = .forward, limit: Int? = nil, timeout: Duration? = nil
        ) -> Entries {
            entries(in: Keys<Key>.all, direction: direction, limit: limit, timeout: timeout)
        }

        /// The first entry in the direction of reading, nil when there is none.
        ///
        /// - Throws: As for ``value(for:timeout:)``, and `.valueUndecodable`.
        public func first(
            in interval: some KeyInterval<Key>, direction: ReadDirection = .forward,
            timeout: Duration? = nil
        ) async throws -> (key: Key, value: Value)? {
            let page = try await page(
                try interval.keyRange(), direction, asOf: revision, countMax: 1,
                timeout: timeout ?? handle.database.timeout
            ).value()
            guard case .treePage(let page) = page else { throw Database.unexpectedReply(page) }
            handle.seen.raise(to: page.asOf)
            return try page.entries.first.map(decode)
        }

        func page(
            _ range: KeyRange, _ direction: ReadDirection, asOf: Revision?, countMax: Int,
            timeout: Duration
        ) -> PendingReply {
            let query = TreeQuery.range(
                range, direction, bytesMax: UInt32(Limits.readerPageBytes),
                countMax: UInt32(countMax))
            return handle.database.connection.start(request(query, asOf: asOf), timeout: timeout)
        }

        private func request(_ query: TreeQuery, asOf: Revision?) -> ClientRequest {
            .readTree(
                TreeReadRequest(
                    collection: handle.info.collection, incarnation: handle.info.incarnation,
                    asOf: asOf, query: query))
        }

        func decode(_ entry: TreeEntry) throws(DatabaseError) -> (key: Key, value: Value) {
            (try Key(keyBytes: entry.key), try decoded(entry.value, entry.key))
        }

        private func decoded(_ value: Bytes, _ key: Bytes) throws(DatabaseError) -> Value {
            if handle.coding.means != nil { read.keep(value, of: key) }
            return try handle.coding.value(of: value, key: key)
        }
    }
}

extension Tree {
    /// The entries of an interval of a tree; see
    /// ``Tree/Snapshot/entries(in:direction:limit:timeout:)``.
    public struct Entries: AsyncSequence, Sendable {
        /// A key and its value.
        public typealias Element = (key: Key, value: Value)

        let snapshot: Snapshot
        let range: Result<KeyRange, any Error>
        let direction: ReadDirection
        let limit: Int
        let timeout: Duration

        /// Begins at the start; each iteration reads anew.
        public func makeAsyncIterator() -> Iterator { Iterator(self) }

        /// Holds one page, and the request for the next.
        public struct Iterator: AsyncIteratorProtocol {
            private var entries: PagedElements<TreePages<Key, Value>>

            init(_ sequence: Entries) {
                entries = PagedElements(
                    TreePages(
                        sequence: sequence,
                        ahead: ReadAhead(asOf: sequence.snapshot.revision, limit: sequence.limit)))
            }

            /// The next entry; nil after the last, and after an error.
            ///
            /// - Throws: As for ``Tree/Snapshot/value(for:timeout:)``.
            public mutating func next() async throws -> Element? { try await entries.next() }
        }
    }
}

/// The pages of an interval of a tree.
private struct TreePages<Key: OrderedKey, Value: Sendable>: PinnedPages {
    let sequence: Tree<Key, Value>.Entries
    var ahead: ReadAhead<Bytes>

    func request() throws -> PendingReply {
        var range = try sequence.range.get()
        if let last = ahead.last {
            let bound = KeyBound(last, isInclusive: false)
            if sequence.direction == .forward { range.lower = bound } else { range.upper = bound }
        }
        return sequence.snapshot.page(
            range, sequence.direction, asOf: ahead.asOf,
            countMax: Swift.min(ahead.left, Limits.pageItemCountMax), timeout: sequence.timeout)
    }

    func page(_ reply: ClientReply) -> PinnedPage<TreeEntry, Bytes>? {
        guard case .treePage(let page) = reply else { return nil }
        sequence.snapshot.handle.seen.raise(to: page.asOf)
        return PinnedPage(
            items: page.entries, last: page.entries.last?.key, asOf: page.asOf,
            isLast: page.isLast)
    }

    func element(_ entry: TreeEntry) throws -> (key: Key, value: Value) {
        try sequence.snapshot.decode(entry)
    }
}
