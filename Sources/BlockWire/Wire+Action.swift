import BlockModel
import BlockRuntime
import CProtocol

// Actions on collections, and what became of them. An append and its answer keep the form they had
// before there were trees and queues.

// MARK: - Building

extension WireArena {
    func fill(_ message: inout ClientRequestMessage, _ request: ActionRequest) {
        switch request.content {
        case .append(let value):
            message.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_APPEND
            message.append = make(optimystic__v1__append__init) {
                $0.collection = digest(request.collection.digest)
                $0.incarnation = self.message(request.incarnation)
                $0.action = identifier(request.action.rawValue)
                $0.first_revision = request.firstRevision.rawValue
                $0.value = bytes(value)
            }
        case .tree(let content):
            message.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_ACT_ON_TREE
            message.act_on_tree = make(optimystic__v1__act_on_tree__init) {
                $0.collection = digest(request.collection.digest)
                $0.incarnation = self.message(request.incarnation)
                $0.action = identifier(request.action.rawValue)
                $0.first_revision = request.firstRevision.rawValue
                $0.content = self.message(content)
                if let body = request.body { $0.body = identifier(body.rawValue) }
            }
        case .queue(let content):
            message.request_case = OPTIMYSTIC__V1__CLIENT_REQUEST__REQUEST_ACT_ON_QUEUE
            message.act_on_queue = make(optimystic__v1__act_on_queue__init) {
                $0.collection = digest(request.collection.digest)
                $0.incarnation = self.message(request.incarnation)
                $0.action = identifier(request.action.rawValue)
                $0.first_revision = request.firstRevision.rawValue
                $0.content = self.message(content)
            }
        case .custom: invariant(false, "an action of a custom collection is sent by itself")
        }
    }

    func message(
        _ question: ActionStatusRequest
    ) -> UnsafeMutablePointer<AskActionStatusMessage> {
        make(optimystic__v1__ask_action_status__init) {
            $0.collection = digest(question.collection.digest)
            $0.incarnation = message(question.incarnation)
            $0.action = identifier(question.action.rawValue)
            $0.first_revision = question.firstRevision.rawValue
        }
    }

    func message(_ position: LogPosition) -> UnsafeMutablePointer<LogPositionMessage> {
        make(optimystic__v1__log_position__init) {
            $0.revision = position.revision.rawValue
            $0.index = position.index
        }
    }

    func fill(_ message: inout ClientReplyMessage, _ landing: ActionLanding) {
        guard landing.outcome != .appended else {
            message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_APPENDED
            message.appended = self.message(landing.position)
            return
        }
        message.reply_case = OPTIMYSTIC__V1__CLIENT_REPLY__REPLY_ACTED
        message.acted = make(optimystic__v1__acted__init) {
            $0.position = self.message(landing.position)
            switch landing.outcome {
            case .appended: break
            case .tree(let outcome):
                $0.outcome_case = OPTIMYSTIC__V1__ACTED__OUTCOME_TREE
                $0.tree = self.message(outcome)
            case .queue(let outcome):
                $0.outcome_case = OPTIMYSTIC__V1__ACTED__OUTCOME_QUEUE
                $0.queue = self.message(outcome)
            }
        }
    }

    func message(
        status landing: ActionLanding?, asOf: Revision
    ) -> UnsafeMutablePointer<ActionStatusMessage> {
        make(optimystic__v1__action_status__init) {
            $0.position = landing.map { self.message($0.position) }
            $0.as_of = asOf.rawValue
            switch landing?.outcome {
            case .appended, nil: break
            case .tree(let outcome):
                $0.outcome_case = OPTIMYSTIC__V1__ACTION_STATUS__OUTCOME_TREE
                $0.tree = self.message(outcome)
            case .queue(let outcome):
                $0.outcome_case = OPTIMYSTIC__V1__ACTION_STATUS__OUTCOME_QUEUE
                $0.queue = self.message(outcome)
            }
        }
    }
}

// MARK: - Reading

extension ActionRequest {
    init(wire message: UnsafeMutablePointer<AppendMessage>?) throws(DatabaseError) {
        let message = try required(message, "append")
        self.init(
            collection: try message.collection.collection("append.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "append.incarnation"),
            action: ActionID(rawValue: try message.action.identifier("append.action")),
            firstRevision: try Revision(wire: message.first_revision, "append.first_revision"),
            content: .append(try message.value.value("append.value")))
    }

    init(wire message: UnsafeMutablePointer<ActOnTreeMessage>?) throws(DatabaseError) {
        let message = try required(message, "act_on_tree")
        self.init(
            collection: try message.collection.collection("act_on_tree.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "act_on_tree.incarnation"),
            action: ActionID(rawValue: try message.action.identifier("act_on_tree.action")),
            firstRevision: try Revision(
                wire: message.first_revision, "act_on_tree.first_revision"),
            content: .tree(try TreeAction(wire: message.content, "act_on_tree.content")),
            body: message.body.len == 0
                ? nil : ActionID(rawValue: try message.body.identifier("act_on_tree.body")))
    }

    init(wire message: UnsafeMutablePointer<ActOnQueueMessage>?) throws(DatabaseError) {
        let message = try required(message, "act_on_queue")
        self.init(
            collection: try message.collection.collection("act_on_queue.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "act_on_queue.incarnation"),
            action: ActionID(rawValue: try message.action.identifier("act_on_queue.action")),
            firstRevision: try Revision(
                wire: message.first_revision, "act_on_queue.first_revision"),
            content: .queue(try QueueAction(wire: message.content, "act_on_queue.content")))
    }
}

extension ActionStatusRequest {
    init(wire message: UnsafeMutablePointer<AskActionStatusMessage>?) throws(DatabaseError) {
        let message = try required(message, "action_status")
        self.init(
            collection: try message.collection.collection("action_status.collection"),
            incarnation: try Incarnation(wire: message.incarnation, "action_status.incarnation"),
            action: ActionID(rawValue: try message.action.identifier("action_status.action")),
            firstRevision: try Revision(
                wire: message.first_revision, "action_status.first_revision"))
    }
}

extension LogPosition {
    init(
        wire message: UnsafeMutablePointer<LogPositionMessage>?, _ field: StaticString
    ) throws(DatabaseError) {
        let message = try required(message, field)
        // One above the last index stands for "after all actions of the entry".
        self.init(
            revision: try Revision(wire: message.revision, "position.revision"),
            index: try bounded(
                message.index, "position.index", from: 0, through: .bodyActionCountMax))
    }
}

extension ActionLanding {
    init(wire message: UnsafeMutablePointer<ActedMessage>?) throws(DatabaseError) {
        let message = try required(message, "acted")
        let outcome: ActionOutcome
        switch message.outcome_case {
        case OPTIMYSTIC__V1__ACTED__OUTCOME_TREE:
            outcome = .tree(try TreeOutcome(wire: message.tree))
        case OPTIMYSTIC__V1__ACTED__OUTCOME_QUEUE:
            outcome = .queue(try QueueOutcome(wire: message.queue))
        default: throw unset("acted.outcome")
        }
        self.init(
            position: try LogPosition(wire: message.position, "acted.position"), outcome: outcome)
    }

    /// nil when the action has not landed.
    init?(status message: ActionStatusMessage) throws(DatabaseError) {
        let outcome: ActionOutcome
        switch message.outcome_case {
        case OPTIMYSTIC__V1__ACTION_STATUS__OUTCOME_TREE:
            outcome = .tree(try TreeOutcome(wire: message.tree))
        case OPTIMYSTIC__V1__ACTION_STATUS__OUTCOME_QUEUE:
            outcome = .queue(try QueueOutcome(wire: message.queue))
        default:
            guard message.position != nil else { return nil }
            outcome = .appended
        }
        self.init(
            position: try LogPosition(wire: message.position, "action_status.position"),
            outcome: outcome)
    }
}
