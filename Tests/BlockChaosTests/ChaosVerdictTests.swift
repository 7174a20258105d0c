import BlockChaos
import BlockDeployment
import BlockRuntime
import BlockWorkloads
import Testing

@Suite("The verdict of a chaos run") struct ChaosVerdictTests {
    /// Of a run in which everything was as it must be.
    private static var conduct: ChaosVerdict.Conduct {
        var conduct = ChaosVerdict.Conduct(rate: 100, rateMin: Limits.chaosRateMin)
        conduct.killedRoles = Set(LocalCluster.Member.Role.allCases)
        conduct.faults = [.pause: 1, .partition: 1]
        return conduct
    }

    private static func check(_ violations: [String] = [], count: Int = 1) -> CheckResult {
        var check = CheckResult()
        check.checkedCount = count
        for violation in violations { check.violation(violation) }
        return check
    }

    @Test("A run in which everything happened and nothing was broken is valid")
    func valid() {
        let verdict = ChaosVerdict(of: Self.check(), Self.conduct)
        #expect(verdict == .valid && verdict.exitStatus == 0)
        #expect(ChaosVerdict(of: Self.check()) == .valid)
    }

    @Test("Under a hundred operations a second before the first fault the run counts for nothing")
    func tooSlow() {
        var conduct = Self.conduct
        conduct.rate = 99.9
        let verdict = ChaosVerdict(of: Self.check(), conduct)
        #expect(verdict.exitStatus == 4 && verdict.name == "tooSlow")
        #expect(
            verdict.reasons == [
                "99 operations a second before the first fault, at least 100 are needed"
            ])
    }

    @Test("A run of which something does not come to its end is stuck, whatever its pace")
    func stuck() {
        var conduct = Self.conduct
        conduct.rate = 0
        conduct.undone = ["client 1 is not done"]
        let verdict = ChaosVerdict(of: Self.check(), conduct)
        #expect(verdict == .stuck(["client 1 is not done"]) && verdict.exitStatus == 3)
    }

    @Test("A broken promise says more than anything else")
    func invalid() {
        var conduct = Self.conduct
        conduct.rate = 0
        conduct.undone = ["client 1 is not done"]
        conduct.problems = ["storage-peer-1 ended by itself"]
        let verdict = ChaosVerdict(of: Self.check(["a value is lost"]), conduct)
        #expect(verdict == .invalid(["a value is lost", "storage-peer-1 ended by itself"]))
        #expect(verdict.exitStatus == 1)
        #expect(ChaosVerdict(of: Self.check(["a value is lost"])).exitStatus == 1)
    }

    @Test("A run without some kind of fault, or without anything to check, does not tell")
    func unknown() {
        var conduct = Self.conduct
        conduct.faults = [.pause: 1]
        conduct.killedRoles.remove(.coordinator)
        let verdict = ChaosVerdict(of: Self.check(), conduct)
        #expect(verdict == .unknown("no coordinator was killed; there was no partition"))
        #expect(verdict.exitStatus == 2)
        #expect(ChaosVerdict(of: Self.check(count: 0), Self.conduct).exitStatus == 2)
    }

    @Test("Every verdict has an exit status and a headline of its own")
    func distinct() {
        let all: [ChaosVerdict] = [.valid, .invalid([]), .unknown(""), .stuck([]), .tooSlow("")]
        #expect(all.map(\.exitStatus) == [0, 1, 2, 3, 4])
        #expect(Set(all.map { $0.lines[0] }).count == all.count)
    }
}
