import BlockConsensus
import BlockModel
import BlockRuntime
import BlockTransactions

/// A coordinator that may execute attempts again before it takes them, and refuses those that do
/// something else than they say, or that it cannot execute.
///
/// It trusts no proxy for what actions do: a block that no action makes is never pended here
/// (protocol: execution-is-deterministic). What it needs for that it asks itself, as any proxy
/// would. An attempt that another coordinator has taken it cannot undo: it refuses its own try.
package struct ValidatingCoordinator {
    private var machine: Coordinator
    private let wallMilliseconds: @Sendable () -> UInt64
    /// nil: it takes everything as it comes.
    private var validations: Validations?

    /// - Parameters:
    ///   - validates: Whether attempts are executed before they are taken.
    ///   - wallMilliseconds: For the expiry of stamps.
    package init(
        _ machine: Coordinator, validates: Bool,
        wallMilliseconds: @escaping @Sendable () -> UInt64
    ) {
        self.machine = machine
        self.wallMilliseconds = wallMilliseconds
        validations = validates ? Validations() : nil
    }

    /// As of ``Coordinator``, with what it asks itself.
    package var requestCount: Int { machine.requestCount }
    package var roundCount: Int { machine.roundCount }
    package var nextWake: Instant? { machine.nextWake }
    /// Attempts that are being executed.
    package var validationCount: Int { validations?.count ?? 0 }

    package mutating func receive(
        _ event: Coordinator.Event, now: Instant
    ) -> [Coordinator.Directive] {
        guard validations != nil else { return machine.receive(event, now: now) }
        var outside: [Coordinator.Directive] = []
        if case .request(let token, let request, let client, let deadline) = event,
            let steps = validations?.begin(
                request, token, client: client, deadline: deadline, at: wallMilliseconds())
        {
            perform(steps, &outside, now)
        } else {
            pass(machine.receive(event, now: now), &outside, now)
        }
        return outside
    }

    /// Gives what the coordinator says to whom it is for.
    private mutating func pass(
        _ directives: [Coordinator.Directive], _ outside: inout [Coordinator.Directive],
        _ now: Instant
    ) {
        for directive in directives {
            guard case .respond(let token, let reply) = directive,
                let steps = validations?.answered(token, reply)
            else {
                outside.append(directive)
                continue
            }
            perform(steps, &outside, now)
        }
    }

    private mutating func perform(
        _ steps: [Validations.Step], _ outside: inout [Coordinator.Directive], _ now: Instant
    ) {
        for step in steps {
            switch step {
            case .ask(let event): pass(machine.receive(event, now: now), &outside, now)
            case .refuse(let token, let error): outside.append(.respond(token, .failed(error)))
            }
        }
    }

    package func checkInvariants() { validations?.checkInvariants() }
}
