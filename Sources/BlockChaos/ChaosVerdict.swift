import BlockDeployment
import BlockRuntime
import BlockWorkloads

/// How a run ended.
package enum ChaosVerdict: Equatable, Sendable {
    case valid
    /// A promise was broken.
    case invalid([String])
    /// The run does not tell.
    case unknown(String)
    /// After the faults were over, something never came to an end.
    case stuck([String])
    /// Too little was done before the first fault: what was kept is not worth much.
    case tooSlow(String)

    /// What a run was like, apart from what the checkers say.
    package struct Conduct: Sendable {
        /// Operations a second before the first fault.
        package var rate: Double
        /// What that must be at least.
        package var rateMin: Int
        /// What did not come to its end after the faults.
        package var undone: [String] = []
        /// What is wrong besides: found by `verify`, or how services ended.
        package var problems: [String] = []
        package var killedRoles: Set<LocalCluster.Member.Role> = []
        package var faults: [ChaosPlan.Fault.Kind: Int] = [:]

        package init(rate: Double, rateMin: Int) {
            self.rate = rate
            self.rateMin = rateMin
        }
    }

    /// That of a history alone.
    package init(of check: CheckResult) {
        if !check.violations.isEmpty {
            self = .invalid(check.violations)
        } else if check.checkedCount == 0 {
            self = .unknown("nothing was there to be checked")
        } else {
            self = .valid
        }
    }

    /// That of a run. What was broken says more than what stood still, and that more than what was
    /// not tried.
    package init(of check: CheckResult, _ conduct: Conduct) {
        let broken = check.violations + conduct.problems
        let missing =
            LocalCluster.Member.Role.allCases.filter { !conduct.killedRoles.contains($0) }
            .map { "no \($0.rawValue) was killed" }
            + [.pause, .partition].filter { conduct.faults[$0, default: 0] == 0 }
            .map { "there was no \($0.rawValue)" }
        if !broken.isEmpty {
            self = .invalid(broken)
        } else if !conduct.undone.isEmpty {
            self = .stuck(conduct.undone)
        } else if conduct.rate < Double(conduct.rateMin) {
            self = .tooSlow(
                "\(Int(conduct.rate)) operations a second before the first fault, at least "
                    + "\(conduct.rateMin) are needed")
        } else if !missing.isEmpty {
            self = .unknown(missing.joined(separator: "; "))
        } else {
            self.init(of: check)
        }
    }

    package var exitStatus: Int32 {
        switch self {
        case .valid: 0
        case .invalid: 1
        case .unknown: 2
        case .stuck: 3
        case .tooSlow: 4
        }
    }

    package var name: String {
        switch self {
        case .valid: "valid"
        case .invalid: "invalid"
        case .unknown: "unknown"
        case .stuck: "stuck"
        case .tooSlow: "tooSlow"
        }
    }

    package var reasons: [String] {
        switch self {
        case .valid: []
        case .invalid(let reasons), .stuck(let reasons): reasons
        case .unknown(let reason), .tooSlow(let reason): [reason]
        }
    }

    package var lines: [String] {
        let head =
            switch self {
            case .valid: "VALID: every promise that was looked at was kept"
            case .invalid: "INVALID: a promise was broken"
            case .unknown: "UNKNOWN: the run does not tell"
            case .stuck: "STUCK: something did not come to an end"
            case .tooSlow: "TOO SLOW: the run counts for nothing"
            }
        return [head] + reasons.map { "  \($0)" }
    }
}
