import BlockModel
import BlockRuntime
import CProtocol

// What applications read of trees, queues and blocks.

// MARK: - Building

extension WireArena {
    func message(_ read: TreeReadRequest) -> UnsafeMutablePointer<ReadTreeMessage> {
        make(optimystic__v1__read_tree__init) {
            $0.collection = digest(read.collection.digest)
            $0.incarnation = message(read.incarnation)
            if let asOf = read.asOf {
                $0.view_case = OPTIMYSTIC__V1__READ_TREE__VIEW_AS_OF
                $0.as_of = asOf.rawValue
            }
            switch read.query {
            case .values(let keys):
                $0.query_case = OPTIMYSTIC__V1__READ_TREE__QUERY_VALUES
                $0.values = message(keys: keys)
            case .range(let range, let direction, let bytesMax, let countMax):
                $0.query_case = OPTIMYSTIC__V1__READ_TREE__QUERY_RANGE
                $0.range = make(optimystic__v1__read_range__init) {
                    $0.range = message(range)
                    $0.direction = .init(UInt32(direction.rawValue))
                    $0.bytes_max = bytesMax
                    $0.count_max = countMax
                }
            case .count(let range):
                $0.query_case = OPTIMYSTIC__V1__READ_TREE__QUERY_COUNT
                $0.count = message(range)
            }
        }
    }

    func message(_ read: QueueReadRequest) -> UnsafeMutablePointer<ReadQueueMessage> {
        make(optimystic__v1__read_queue__init) {
            $0.collection = digest(read.collection.digest)
            $0.incarnation = message(read.incarnation)
            if let asOf = read.asOf {
                $0.view_case = OPTIMYSTIC__V1__READ_QUEUE__VIEW_AS_OF
                $0.as_of = asOf.rawValue
            }
            switch read.query {
            case .peek(let countMax):
                $0.query_case = OPTIMYSTIC__V1__READ_QUEUE__QUERY_PEEK
                $0.peek = countMax
            case .count:
                $0.query_case = OPTIMYSTIC__V1__READ_QUEUE__QUERY_COUNT
                $0.count = nothing
            }
        }
    }

    func message(_ requests: [BlockReadRequest]) -> UnsafeMutablePointer<ReadBlocksMessage> {
        make(optimystic__v1__read_blocks__init) {
            $0.blocks = list(requests) { message($0) }
            $0.n_blocks = requests.count
        }
    }

    func message(_ values: TreeValues) -> UnsafeMutablePointer<TreeValuesMessage> {
        make(optimystic__v1__tree_values__init) {
            $0.values = array(values.values) { bytes($0 ?? []) }
            $0.n_values = values.values.count
            $0.present = array(values.values) { $0 == nil ? 0 : 1 }
            $0.n_present = values.values.count
            $0.as_of = values.asOf.rawValue
        }
    }

    func message(_ page: TreePage) -> UnsafeMutablePointer<TreePageMessage> {
        make(optimystic__v1__tree_page__init) {
            $0.keys = array(page.entries) { bytes($0.key) }
            $0.n_keys = page.entries.count
            $0.values = array(page.entries) { bytes($0.value) }
            $0.n_values = page.entries.count
            $0.as_of = page.asOf.rawValue
            $0.is_last = page.isLast ? 1 : 0
        }
    }

    func message(count: UInt64, asOf: Revision) -> UnsafeMutablePointer<CountMessage> {
        make(optimystic__v1__count__init) {
            $0.count = count
            $0.as_of = asOf.rawValue
        }
    }

    func message(_ values: QueueValues) -> UnsafeMutablePointer<QueueValuesMessage> {
        make(optimystic__v1__queue_values__init) {
            $0.values = array(values.values) { bytes($0) }
            $0.n_values = values.values.count
            $0.as_of = values.asOf.rawValue
        }
    }

    func message(_ copies: [BlockCopy?]) -> UnsafeMutablePointer<BlockStatesMessage> {
        make(optimystic__v1__block_states__init) {
            $0.blocks = list(copies) { message(state: $0) }
            $0.n_blocks = copies.count
        }
    }
}

// MARK: - Reading

extension TreeReadRequest {
    init(wire message: UnsafeMutablePointer<ReadTreeMessage>?) throws(DatabaseError) {
        let message = try required(message, "read_tree")
        let isPinned = message.view_case == OPTIMYSTIC__V1__READ_TREE__VIEW_AS_OF
        self.init(
            collection: try message.collection.collection("read_tree.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "read_tree.incarnation"),
            asOf: try isPinned ? Revision(wire: message.as_of, "read_tree.as_of") : nil,
            query: try TreeQuery(wire: message))
    }
}

extension TreeQuery {
    fileprivate init(wire message: ReadTreeMessage) throws(DatabaseError) {
        switch message.query_case {
        case OPTIMYSTIC__V1__READ_TREE__QUERY_VALUES:
            let keys = try required(message.values, "read_tree.values")
            self = .values(
                try array(
                    keys.keys, keys.n_keys, "read_tree.values.keys",
                    countMax: .treeCheckCountMax
                ) { item throws(DatabaseError) in try item.key("read_tree.values.keys") })
        case OPTIMYSTIC__V1__READ_TREE__QUERY_RANGE:
            let read = try required(message.range, "read_tree.range")
            self = .range(
                try KeyRange(wire: read.range, "read_range.range"),
                try known(read.direction, "read_range.direction"),
                bytesMax: try bounded(
                    read.bytes_max, "read_range.bytes_max", from: 0, through: .pageBytesMax),
                countMax: try bounded(
                    read.count_max, "read_range.count_max", from: 1, through: .pageItemCountMax))
        case OPTIMYSTIC__V1__READ_TREE__QUERY_COUNT:
            self = .count(try KeyRange(wire: message.count, "read_tree.count"))
        default: throw unset("read_tree.query")
        }
    }
}

extension QueueReadRequest {
    init(wire message: UnsafeMutablePointer<ReadQueueMessage>?) throws(DatabaseError) {
        let message = try required(message, "read_queue")
        let isPinned = message.view_case == OPTIMYSTIC__V1__READ_QUEUE__VIEW_AS_OF
        let query: QueueQuery
        switch message.query_case {
        case OPTIMYSTIC__V1__READ_QUEUE__QUERY_PEEK:
            query = .peek(
                countMax: try bounded(
                    message.peek, "read_queue.peek", from: 1, through: .pageItemCountMax))
        case OPTIMYSTIC__V1__READ_QUEUE__QUERY_COUNT: query = .count
        default: throw unset("read_queue.query")
        }
        self.init(
            collection: try message.collection.collection("read_queue.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "read_queue.incarnation"),
            asOf: try isPinned ? Revision(wire: message.as_of, "read_queue.as_of") : nil,
            query: query)
    }
}

/// The requests of a `ReadBlocks`.
func blockReads(
    _ message: UnsafeMutablePointer<ReadBlocksMessage>?
) throws(DatabaseError) -> [BlockReadRequest] {
    let message = try required(message, "read_blocks")
    return try list(
        message.blocks, message.n_blocks, "read_blocks.blocks", countMax: .pageItemCountMax
    ) { item throws(DatabaseError) in try BlockReadRequest(wire: item) }
}

extension TreeValues {
    init(wire message: UnsafeMutablePointer<TreeValuesMessage>?) throws(DatabaseError) {
        let message = try required(message, "tree_values")
        let values = try array(
            message.values, message.n_values, "tree_values.values",
            countMax: .treeCheckCountMax
        ) { item throws(DatabaseError) in
            try item.bytes("tree_values.values", bytesMax: .valueBytesMax)
        }
        let present = try array(
            message.present, message.n_present, "tree_values.present",
            countMax: .treeCheckCountMax
        ) { flag throws(DatabaseError) in flag != 0 }
        guard present.count == values.count else {
            throw malformed(
                "tree_values.present", "\(present.count) items, of exactly \(values.count)")
        }
        for (value, isPresent) in zip(values, present) where !isPresent && !value.isEmpty {
            throw malformed("tree_values.values", "\(value.count) bytes where there is no value")
        }
        self.init(
            values: zip(values, present).map { value, isPresent in isPresent ? value : nil },
            asOf: try Revision(wire: message.as_of, "tree_values.as_of"))
    }
}

extension TreePage {
    init(wire message: UnsafeMutablePointer<TreePageMessage>?) throws(DatabaseError) {
        let message = try required(message, "tree_page")
        let keys = try array(
            message.keys, message.n_keys, "tree_page.keys", countMax: .pageItemCountMax
        ) { item throws(DatabaseError) in
            try item.bytes("tree_page.keys", bytesMax: .keyBytesMax)
        }
        let values = try array(
            message.values, message.n_values, "tree_page.values",
            countMax: .pageItemCountMax
        ) { item throws(DatabaseError) in
            try item.bytes("tree_page.values", bytesMax: .valueBytesMax)
        }
        guard values.count == keys.count else {
            throw malformed("tree_page.values", "\(values.count) items, of exactly \(keys.count)")
        }
        self.init(
            entries: zip(keys, values).map { TreeEntry(key: $0, value: $1) },
            asOf: try Revision(wire: message.as_of, "tree_page.as_of"),
            isLast: message.is_last != 0)
    }
}

extension QueueValues {
    init(wire message: UnsafeMutablePointer<QueueValuesMessage>?) throws(DatabaseError) {
        let message = try required(message, "queue_values")
        self.init(
            values: try array(
                message.values, message.n_values, "queue_values.values",
                countMax: .pageItemCountMax
            ) { item throws(DatabaseError) in
                try item.bytes("queue_values.values", bytesMax: .valueBytesMax)
            },
            asOf: try Revision(wire: message.as_of, "queue_values.as_of"))
    }
}

/// The copies of a `BlockStates`.
func blockStates(
    _ message: UnsafeMutablePointer<BlockStatesMessage>?
) throws(DatabaseError) -> [BlockCopy?] {
    let message = try required(message, "blocks")
    return try list(
        message.blocks, message.n_blocks, "blocks.blocks", countMax: .pageItemCountMax
    ) { item throws(DatabaseError) in
        let state = try required(item, "blocks.blocks")
        return try state.copy == nil ? nil : BlockCopy(wire: state.copy, "blocks.blocks.copy")
    }
}
