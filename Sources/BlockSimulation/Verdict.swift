import BlockRuntime

/// How a run ended.
package struct Verdict: Sendable {
    package enum Outcome: Equatable, Sendable {
        case valid
        /// A promise was broken.
        case invalid([String])
        /// After the faults were over, something never came to an end.
        case stuck([String])
        /// The run does not tell: it did too little.
        case unknown(String)
    }

    package let seed: UInt64
    package let outcome: Outcome
    package let trace: TraceHash
    package let eventCount: Int
    package let operationCount: Int
    package let acknowledgedCount: Int
    package let simulatedTime: Duration
    /// What happened, when it was kept.
    package let report: WorldReport

    /// 0 valid, 1 invalid, 2 unknown, 3 liveness: the exit status of the simulator.
    package var exitStatus: Int32 {
        switch outcome {
        case .valid: 0
        case .invalid: 1
        case .unknown: 2
        case .stuck: 3
        }
    }
}
