import BlockModel
import BlockRuntime
import CProtocol

// What structures.proto says of trees and queues.

// MARK: - Building

extension WireArena {
    private func message(_ bound: KeyBound) -> UnsafeMutablePointer<KeyBoundMessage> {
        make(optimystic__v1__key_bound__init) {
            $0.key = bytes(bound.key)
            $0.is_inclusive = bound.isInclusive ? 1 : 0
        }
    }

    func message(_ range: KeyRange) -> UnsafeMutablePointer<KeyRangeMessage> {
        make(optimystic__v1__key_range__init) {
            $0.lower = range.lower.map { message($0) }
            $0.upper = range.upper.map { message($0) }
        }
    }

    func message(keys: [Bytes]) -> UnsafeMutablePointer<KeyListMessage> {
        make(optimystic__v1__key_list__init) {
            $0.keys = array(keys) { bytes($0) }
            $0.n_keys = keys.count
        }
    }

    private func message(values: [Bytes]) -> UnsafeMutablePointer<ValueListMessage> {
        make(optimystic__v1__value_list__init) {
            $0.values = array(values) { bytes($0) }
            $0.n_values = values.count
        }
    }

    func message(_ action: TreeAction) -> UnsafeMutablePointer<TreeActionMessage> {
        make(optimystic__v1__tree_action__init) {
            $0.checks = list(action.checks) { message($0) }
            $0.n_checks = action.checks.count
            $0.operations = list(action.operations) { message($0) }
            $0.n_operations = action.operations.count
        }
    }

    private func message(_ check: TreeCheck) -> UnsafeMutablePointer<TreeCheckMessage> {
        make(optimystic__v1__tree_check__init) {
            switch check {
            case .value(let key, let hash?):
                $0.key = bytes(key)
                $0.condition_case = OPTIMYSTIC__V1__TREE_CHECK__CONDITION_VALUE_HASH
                $0.value_hash = digest(hash.digest)
            case .value(let key, nil):
                $0.key = bytes(key)
                $0.condition_case = OPTIMYSTIC__V1__TREE_CHECK__CONDITION_ABSENT
                $0.absent = nothing
            case .present(let key):
                $0.key = bytes(key)
                $0.condition_case = OPTIMYSTIC__V1__TREE_CHECK__CONDITION_PRESENT
                $0.present = nothing
            case .range(let range, let hash):
                $0.condition_case = OPTIMYSTIC__V1__TREE_CHECK__CONDITION_RANGE
                $0.range = make(optimystic__v1__range_check__init) {
                    $0.range = message(range)
                    $0.entries_hash = digest(hash.digest)
                }
            }
        }
    }

    private func message(_ operation: TreeOperation) -> UnsafeMutablePointer<TreeOperationMessage> {
        make(optimystic__v1__tree_operation__init) {
            switch operation {
            case .put(let key, let value):
                $0.key = bytes(key)
                $0.change_case = OPTIMYSTIC__V1__TREE_OPERATION__CHANGE_PUT
                $0.put = bytes(value)
            case .delete(let key):
                $0.key = bytes(key)
                $0.change_case = OPTIMYSTIC__V1__TREE_OPERATION__CHANGE_REMOVE
                $0.remove = nothing
            }
        }
    }

    func message(_ outcome: TreeOutcome) -> UnsafeMutablePointer<TreeOutcomeMessage> {
        make(optimystic__v1__tree_outcome__init) {
            switch outcome {
            case .applied(let existed):
                $0.outcome_case = OPTIMYSTIC__V1__TREE_OUTCOME__OUTCOME_APPLIED
                $0.applied = make(optimystic__v1__tree_applied__init) {
                    $0.existed = array(existed) { $0 ? 1 : 0 }
                    $0.n_existed = existed.count
                }
            case .conflict(let check):
                $0.outcome_case = OPTIMYSTIC__V1__TREE_OUTCOME__OUTCOME_CONFLICT
                $0.conflict = check
            }
        }
    }

    func message(_ action: QueueAction) -> UnsafeMutablePointer<QueueActionMessage> {
        make(optimystic__v1__queue_action__init) {
            switch action {
            case .enqueue(let values):
                $0.action_case = OPTIMYSTIC__V1__QUEUE_ACTION__ACTION_ENQUEUE
                $0.enqueue = message(values: values)
            case .dequeue(let countMax):
                $0.action_case = OPTIMYSTIC__V1__QUEUE_ACTION__ACTION_DEQUEUE
                $0.dequeue = countMax
            }
        }
    }

    func message(_ outcome: QueueOutcome) -> UnsafeMutablePointer<QueueOutcomeMessage> {
        make(optimystic__v1__queue_outcome__init) {
            switch outcome {
            case .enqueued:
                $0.outcome_case = OPTIMYSTIC__V1__QUEUE_OUTCOME__OUTCOME_ENQUEUED
                $0.enqueued = nothing
            case .dequeued(let values):
                $0.outcome_case = OPTIMYSTIC__V1__QUEUE_OUTCOME__OUTCOME_DEQUEUED
                $0.dequeued = message(values: values)
            }
        }
    }
}

// MARK: - Reading

extension ProtobufCBinaryData {
    /// A key that an application gives.
    func key(_ field: StaticString) throws(DatabaseError) -> Bytes {
        try tooLarge(len, "bytes", field, .keyBytesMax)
        return try bytes(field, bytesMax: .keyBytesMax)
    }

    /// A value that an application gives.
    func value(_ field: StaticString) throws(DatabaseError) -> Bytes {
        try tooLarge(len, "bytes", field, .valueBytesMax)
        return try bytes(field, bytesMax: .valueBytesMax)
    }
}

extension KeyBound {
    init(
        wire message: UnsafeMutablePointer<KeyBoundMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(try message.key.key(field), isInclusive: message.is_inclusive != 0)
    }
}

extension KeyRange {
    init(
        wire message: UnsafeMutablePointer<KeyRangeMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        self.init(
            lower: try message.lower == nil
                ? nil : KeyBound(wire: message.lower, "key_range.lower.key"),
            upper: try message.upper == nil
                ? nil : KeyBound(wire: message.upper, "key_range.upper.key"))
    }
}

extension TreeAction {
    init(
        wire message: UnsafeMutablePointer<TreeActionMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        try tooLarge(
            message.n_operations, "items", "tree_action.operations", .treeOperationCountMax)
        self.init(
            checks: try list(
                message.checks, message.n_checks, "tree_action.checks",
                countMax: .treeCheckCountMax
            ) { item throws(DatabaseError) in try TreeCheck(wire: item) },
            operations: try list(
                message.operations, message.n_operations, "tree_action.operations",
                countMax: .treeOperationCountMax
            ) { item throws(DatabaseError) in try TreeOperation(wire: item) })
        try withinActionBytes(canonicalBytes.count, field)
    }
}

/// The bound of an action as a whole, in the form that the log keeps.
private func withinActionBytes(_ count: Int, _ field: StaticString) throws(DatabaseError) {
    try tooLarge(count, "bytes in canonical form", field, .actionBytesMax)
}

extension TreeCheck {
    fileprivate init(
        wire message: UnsafeMutablePointer<TreeCheckMessage>?
    ) throws(DatabaseError) {
        let message = try required(message, "tree_action.checks")
        let key = try message.key.key("tree_check.key")
        switch message.condition_case {
        case OPTIMYSTIC__V1__TREE_CHECK__CONDITION_VALUE_HASH:
            let hash = try message.value_hash.digest("tree_check.value_hash")
            self = .value(key: key, TreeValueHash(digest: hash))
        case OPTIMYSTIC__V1__TREE_CHECK__CONDITION_ABSENT: self = .value(key: key, nil)
        case OPTIMYSTIC__V1__TREE_CHECK__CONDITION_PRESENT: self = .present(key: key)
        case OPTIMYSTIC__V1__TREE_CHECK__CONDITION_RANGE:
            guard key.isEmpty else {
                throw malformed("tree_check.key", "\(key.count) bytes beside a range")
            }
            let check = try required(message.range, "tree_check.range")
            let hash = try check.entries_hash.digest("range_check.entries_hash")
            self = .range(
                try KeyRange(wire: check.range, "range_check.range"),
                TreeEntriesHash(digest: hash))
        default: throw unset("tree_check.condition")
        }
    }
}

extension TreeOperation {
    fileprivate init(
        wire message: UnsafeMutablePointer<TreeOperationMessage>?
    ) throws(DatabaseError) {
        let message = try required(message, "tree_action.operations")
        let key = try message.key.key("tree_operation.key")
        switch message.change_case {
        case OPTIMYSTIC__V1__TREE_OPERATION__CHANGE_PUT:
            self = .put(key: key, value: try message.put.value("tree_operation.put"))
        case OPTIMYSTIC__V1__TREE_OPERATION__CHANGE_REMOVE: self = .delete(key: key)
        default: throw unset("tree_operation.change")
        }
    }
}

extension TreeOutcome {
    init(wire message: UnsafeMutablePointer<TreeOutcomeMessage>?) throws(DatabaseError) {
        let message = try required(message, "tree_outcome")
        switch message.outcome_case {
        case OPTIMYSTIC__V1__TREE_OUTCOME__OUTCOME_APPLIED:
            let applied = try required(message.applied, "tree_outcome.applied")
            self = .applied(
                existed: try array(
                    applied.existed, applied.n_existed, "tree_applied.existed",
                    countMax: .treeOperationCountMax
                ) { flag throws(DatabaseError) in flag != 0 })
        case OPTIMYSTIC__V1__TREE_OUTCOME__OUTCOME_CONFLICT:
            self = .conflict(
                check: try bounded(
                    message.conflict, "tree_outcome.conflict",
                    from: 0, through: .treeCheckNumberMax))
        default: throw unset("tree_outcome.outcome")
        }
    }
}

extension QueueAction {
    init(
        wire message: UnsafeMutablePointer<QueueActionMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        switch message.action_case {
        case OPTIMYSTIC__V1__QUEUE_ACTION__ACTION_ENQUEUE:
            let values = try required(message.enqueue, "queue_action.enqueue")
            try tooLarge(
                values.n_values, "items", "queue_action.enqueue", .queueValueCountMax)
            self = .enqueue(
                try array(
                    values.values, values.n_values, "queue_action.enqueue",
                    countMax: .queueValueCountMax
                ) { item throws(DatabaseError) in try item.value("queue_action.enqueue.values") })
            try withinActionBytes(canonicalBytes.count, field)
        case OPTIMYSTIC__V1__QUEUE_ACTION__ACTION_DEQUEUE:
            self = .dequeue(
                countMax: try bounded(
                    message.dequeue, "queue_action.dequeue", from: 0, through: .queueValueCountMax))
        default: throw unset("queue_action.action")
        }
    }
}

extension QueueOutcome {
    init(wire message: UnsafeMutablePointer<QueueOutcomeMessage>?) throws(DatabaseError) {
        let message = try required(message, "queue_outcome")
        switch message.outcome_case {
        case OPTIMYSTIC__V1__QUEUE_OUTCOME__OUTCOME_ENQUEUED: self = .enqueued
        case OPTIMYSTIC__V1__QUEUE_OUTCOME__OUTCOME_DEQUEUED:
            let values = try required(message.dequeued, "queue_outcome.dequeued")
            self = .dequeued(
                try array(
                    values.values, values.n_values, "queue_outcome.dequeued",
                    countMax: .queueValueCountMax
                ) { item throws(DatabaseError) in
                    try item.bytes(
                        "queue_outcome.dequeued.values", bytesMax: .valueBytesMax)
                })
        default: throw unset("queue_outcome.outcome")
        }
    }
}
